"""Surrogate Explorer in a real server: pages, likes, drafts, finishing, and what it hands on."""

import json
import urllib.error
import urllib.request
from io import BytesIO

import av
import pytest
import torch
from PIL import Image

from dev.client import ExecutionFailed
from surrogate import space_from_recipe
from surrogate.explore import Session
from surrogate.files import load_seeds
from surrogate.metadata import seeds_of
from surrogate.pictures.gallery import read_recipe

from .graph import Graph, Log, counted, needs_sound, output

STEPS = 4


def explorer(g: Graph, session: Session | str = "", log: str = "", vae=None, **settings):
    model, conditioning = g("TestAnyModel", channels=4, video=False, prompt=0).outputs(2)
    sampler = g("KSamplerSelect", sampler_name="euler")
    return g(
        "SurrogateExplorer",
        guider=g("BasicGuider", model=model, conditioning=conditioning),
        sampler=g("TestCountedSampler", sampler=sampler, log=log) if log else sampler,
        sigmas=g("BasicScheduler", model=model, scheduler="simple", steps=STEPS, denoise=1.0),
        latent=g.latent(1, 4, 8, 8),
        vae=vae or g("TestAnyVAE"),
        session=session if isinstance(session, str) else session.text(),
        **{"pictures": 4, "filename_prefix": "explorer/x"} | settings,
    )


def shown(entry, node) -> dict:
    (page,) = entry["outputs"][node.number]["surrogate_explorer"]
    return page


def liked() -> Session:
    return Session.parse("", 4).like(1, 3).then("more", 4)


def page_of(comfy, session, **settings) -> tuple[torch.Tensor, dict]:
    g = Graph(comfy)
    node = explorer(g, session, **settings)
    page = g.keep(node[1])
    return (shown := g.run()) and page.tensor, shown["outputs"][node.number]["surrogate_explorer"][0]


def as_saved(image: torch.Tensor) -> torch.Tensor:
    """An IMAGE as Save Image writes it: the Explorer's pictures have 8 bits."""
    return (255 * image).clip(0, 255).byte().float() / 255


def test_the_first_page_shows_what_ksampler_gives_for_the_integers_from_the_seed_on(comfy):
    page, said = page_of(comfy, "", seed=40)
    g = Graph(comfy)
    model, conditioning = g("TestAnyModel", channels=4, video=False, prompt=0).outputs(2)
    sampled = [g.ksampler(model, conditioning, g.latent(1, 4, 8, 8), seed, steps=STEPS) for seed in range(40, 44)]
    alone = [g.keep(g.decoded(latent, g("TestAnyVAE"))) for latent in sampled]
    g.run()
    assert torch.equal(page, as_saved(torch.cat([kept.tensor for kept in alone])))
    assert [cell["label"] for cell in said["cells"]] == [f"seed {seed}" for seed in range(40, 44)]
    assert Session.parse(said["session"]) == Session.parse("", 4)


def test_a_page_does_not_depend_on_the_batch_and_a_shown_one_costs_nothing(comfy):
    first, _ = page_of(comfy, liked(), log="batches", images_per_batch=1, seed=50)
    assert counted(comfy, "batches") == [1, 1, 1, 1]
    again, _ = page_of(comfy, liked(), log="batches", images_per_batch=4, seed=50)
    assert torch.equal(first, again)
    assert len(counted(comfy, "batches")) == 4  # read, not rendered
    # The picture that stays is known in another session, too.
    page_of(comfy, Session.parse("", 4).like(3).then("more", 4), log="batches", images_per_batch=4, seed=50)
    assert counted(comfy, "batches")[4:] == [3]


def test_finish_gives_the_picture_that_the_plain_sampler_gives(comfy):
    session = liked().like(2).then("finish")
    g = Graph(comfy)
    node = explorer(g, session, seed=60, filename_prefix="finished/x")
    finished, latent = g.keep(node[0]), node[3]
    model, conditioning = g("TestAnyModel", channels=4, video=False, prompt=0).outputs(2)
    plain = g.keep(g.decoded(g.custom(model, conditioning, node[2], latent, STEPS), g("TestAnyVAE")))
    enlarged = g.keep(g("ImageScaleBy", image=node[0], upscale_method="bilinear", scale_by=2.0))
    entry = g.run()
    assert finished.tensor.shape == (3, 8, 8, 3)
    assert enlarged.tensor.shape == (3, 16, 16, 3)
    assert torch.equal(finished.tensor, as_saved(plain.tensor))

    files = sorted((output(comfy) / "finished").glob("*.png"))
    assert len(files) == 3
    assert "prompt" in Image.open(files[0]).text
    recipes = [read_recipe(path) for path in files]
    for recipe in recipes:
        rebuilt = space_from_recipe(recipe["space"])
        assert rebuilt.k >= 2
        assert recipe["shape"] == [[4, 8, 8]]
    said = shown(entry, node)
    assert said["draft_steps"] == 0
    assert sorted(file["filename"] for file in said["saved"]) == [path.name for path in files]


def test_drafts_are_predictions_and_finish_ignores_them(comfy):
    draft, said = page_of(comfy, "", seed=70, draft_steps=2)
    assert (said["draft_steps"], said["steps"]) == (2, STEPS)
    g = Graph(comfy)
    model, conditioning = g("TestAnyModel", channels=4, video=False, prompt=0).outputs(2)
    sigmas = g("BasicScheduler", model=model, scheduler="simple", steps=STEPS, denoise=1.0)
    sampled = g(
        "SamplerCustomAdvanced",
        noise=g("RandomNoise", noise_seed=71),
        latent_image=g.latent(1, 4, 8, 8),
        guider=g("BasicGuider", model=model, conditioning=conditioning),
        sampler=g("KSamplerSelect", sampler_name="euler"),
        sigmas=g("SplitSigmas", sigmas=sigmas, step=2)[0],
    )
    predicted = g.keep(g.decoded(sampled[1], g("TestAnyVAE")))
    g.run()
    assert torch.equal(draft[1:2], as_saved(predicted.tensor))

    whole, said = page_of(comfy, "", seed=70)
    assert said["draft_steps"] == 0
    assert not torch.equal(whole, draft)
    finished, _ = page_of(comfy, Session.parse("", 4).like(1).then("finish"), seed=70, draft_steps=2)
    assert torch.equal(finished, whole[1:2])
    # As many as all steps, or more, are no drafts.
    assert torch.equal(page_of(comfy, "", seed=70, draft_steps=9)[0], whole)


def test_what_is_liked_feeds_other_nodes(comfy):
    g = Graph(comfy)
    node = explorer(g, liked(), seed=80)
    space = g("SurrogateSpace", seeds=node[6])
    noises = [
        g("SurrogateNoise", space=space, points=g.vertices(space, 2), latent=g.latent(1, 4, 8, 8)),
        g("SurrogateNoise", space=node[5], points=node[4], latent=g.latent(1, 4, 8, 8)),
    ]
    kept = [g.keep(node[2], node[3]), *(g.keep(noise, noise[1]) for noise in noises)]
    g.run()
    expected = [torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(seed)) for seed in (81, 83)]
    assert all(torch.equal(one.tensor, torch.cat(expected)) for one in kept)


def test_fresh_noises_and_blends_are_seeds_of_a_grid_and_of_a_file(comfy):
    session = Session.parse("", 4).like(0, 1, 3).then("more", 4).like(2)
    g = Graph(comfy)
    node = explorer(g, session, seed=80)
    space = g("SurrogateSpace", seeds=node[6])
    grid = g("SurrogateCorners", space=space, columns=3, rows=3)
    corners = g("SurrogateSelectPoints", points=grid, numbers="1, 3, 7, 9")
    latent = g.latent(1, 4, 8, 8)
    found = g("SurrogateNoise", space=space, points=corners, latent=latent)
    g("SurrogateSaveSeeds", seeds=node[6], filename_prefix="surrogate/explored")
    kept = [g.keep(found, found[1]), g.keep(node[2], node[3])]
    g.run()
    in_corners, own = (one.tensor for one in kept)
    assert torch.allclose(in_corners, own, atol=1e-5)  # three fresh noises and a blend
    (path,) = (output(comfy) / "surrogate").glob("explored*.safetensors")
    read = torch.stack([seed.noise(((4, 8, 8),))[0] for seed in load_seeds(path).seeds])
    assert torch.allclose(read, own, atol=1e-6)


def test_nothing_is_sent_before_something_is_liked_or_finished(comfy):
    g = Graph(comfy)
    node = explorer(g)
    kept = [g.keep(node[i]) for i in (0, 6)]
    g.run()
    assert not any(one.path.exists() for one in kept)


def test_seeds_or_a_space_to_begin_with(comfy):
    g = Graph(comfy)
    seeds = g("SurrogateSeedsFromIntegers", seeds="7, 9")
    one = explorer(g, seeds=seeds)
    two = explorer(g, space=g("SurrogateSpace", seeds=seeds, transport="sphere"), seed=3)
    entry = g.run()
    assert [cell["label"] for cell in shown(entry, one)["cells"]] == ["seed 7", "seed 9", "seed 2", "seed 3"]
    assert [cell["label"] for cell in shown(entry, two)["cells"]] == ["seed 7", "seed 9", "seed 5", "seed 6"]
    h = Graph(comfy)
    explorer(h, seeds=h("SurrogateSeedsFromIntegers", seeds="7, 9"), space=h.space())
    with pytest.raises(ExecutionFailed, match="seeds and space are both connected"):
        h.run()


@pytest.mark.parametrize("session", ["{", '{"pages": [{"n": 99}]}', '{"pages": [{"do": "finish"}]}'])
def test_a_session_that_cannot_be_read_is_named(comfy, session):
    g = Graph(comfy)
    explorer(g, session)
    with pytest.raises(ExecutionFailed, match="session"):
        g.run()


def fetched(comfy, path: str) -> tuple[int, bytes, str]:
    try:
        with urllib.request.urlopen(f"{comfy.server.url}/surrogate/explorer/{path}") as answer:
            return answer.status, answer.read(), answer.headers["Content-Type"]
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers["Content-Type"]


def test_the_browser_gets_small_and_whole_pictures_and_nothing_else(comfy):
    _, said = page_of(comfy, "", seed=90)
    key = said["cells"][2]["key"]
    assert fetched(comfy, key)[::2] == (200, "image/webp")
    assert fetched(comfy, f"{key}?whole")[::2] == (200, "image/png")
    assert fetched(comfy, "0" * 24)[0] == 404
    for name in ("..%2f..%2fcomfy.settings.json", "x", key.upper(), f"{key}0", "%00", "🙂".encode().hex() * 40):
        status, body, _ = fetched(comfy, name)
        assert status in (400, 404)
        assert b"{" in body or status == 404


def test_a_broken_file_is_made_again(comfy):
    before, said = page_of(comfy, "", seed=95)
    (path,) = (comfy.server.base / "user").rglob(f"{said['cells'][0]['key']}_*.png")
    path.write_bytes(path.read_bytes()[:100])
    g = Graph(comfy)
    page = g.keep(explorer(g, "", seed=95, images_per_batch=3)[1])
    g.run()
    assert torch.equal(page.tensor, before)


def test_clips(comfy):
    g = Graph(comfy)
    model, conditioning = g("TestAnyModel", channels=16, video=True, prompt=0).outputs(2)
    node = g(
        "SurrogateExplorer",
        **g.sampling(model, conditioning),
        latent=g.latent(1, 16, 3, 8, 8),
        vae=g("TestAnyVAE"),
        session="",
        pictures=2,
    )
    page = g.keep(node[1])
    entry = g.run()
    said = shown(entry, node)
    frames = said["cells"][0]["frames"]
    assert frames > 1
    assert page.tensor.shape[0] == 2 * frames
    status, _, kind = fetched(comfy, said["cells"][0]["key"])
    assert (status, kind) == (200, "image/webp")
    json.dumps(said)
    key = said["cells"][0]["key"]
    (still, moving) = (Image.open(BytesIO(fetched(comfy, name)[1])) for name in (key, f"{key}?moving"))
    assert (getattr(still, "n_frames", 1), moving.n_frames) == (1, frames)


def test_sounds_are_core_s_own_and_finish_saves_them_with_their_seeds(comfy):
    needs_sound(comfy)

    def page(session: Session):
        g = Graph(comfy)
        model, conditioning = g("TestFamily", family="Stable Audio").outputs(2)
        vae, latent = g("TestSoundVAE"), g("EmptyLatentAudio", seconds=1.0)
        node = g(
            "SurrogateExplorer",
            guider=g("BasicGuider", model=model, conditioning=conditioning),
            sampler=g("KSamplerSelect", sampler_name="euler"),
            sigmas=g("BasicScheduler", model=model, scheduler="simple", steps=2, denoise=1.0),
            latent=latent, vae=vae, session=session.text(), seed=30, images_per_batch=1, filename_prefix="heard/x",
        )  # fmt: skip
        plain = [g.ksampler(model, conditioning, latent, seed, steps=2) for seed in (30, 31)]
        own = [g.keep(g("VAEDecodeAudio", samples=samples, vae=vae)) for samples in plain]
        heard, finished = g.keep(node[8]), g.keep(node[7])
        saved = g("SaveAudio", audio=node[8], filename_prefix="page/x")
        entry = g.run()
        names = [file["filename"] for file in entry["outputs"][saved.number]["audio"]]
        found = [seeds_of(output(comfy) / "page" / name) for name in names]
        return shown(entry, node), heard, finished, own, found

    first = Session.parse("", 2)
    said, heard, finished, own, saved = page(first)
    assert all(torch.equal(one, core.tensor) for one, core in zip(heard.tensors.values(), own, strict=True))
    assert not finished.path.exists()
    assert [cell["sound"] for cell in said["cells"]] == [True, True]
    assert fetched(comfy, said["cells"][0]["key"])[::2] == (200, "image/webp")
    status, body, kind = fetched(comfy, f"{said['cells'][0]['key']}?sound")
    assert (status, kind) == (200, "audio/mpeg")
    assert len(body) < 20_000  # 16 kB a second

    assert [one.seeds[0].label for one in saved] == ["30", "31"]

    said, _, finished, own, _ = page(first.like(1).then("finish"))
    assert torch.equal(finished.tensor, own[1].tensor)
    (file,) = said["saved"]
    found = seeds_of(output(comfy) / file["subfolder"] / file["filename"])
    expected = torch.randn(1, 64, 22, generator=torch.Generator().manual_seed(31))
    assert file["filename"].endswith(".flac")
    assert torch.equal(found.seeds[0].noise(((64, 22),))[0], expected[0]), found.reason


def test_clips_have_their_sounds_and_finish_saves_both_in_one_file(comfy):
    """Of a latent of two parts each VAE gets its own."""
    needs_sound(comfy)
    parts = ([1, 16, 3, 6, 8], [1, 8, 16, 11])

    def page(session: Session):
        g = Graph(comfy)
        model, conditioning = g("TestAnyModel", channels=16, video=True).outputs(2)
        latent, heard = g.latent(*parts), g("TestSoundVAE", of_clips=True)
        sampling = {
            "guider": g("BasicGuider", model=model, conditioning=conditioning),
            "sampler": g("KSamplerSelect", sampler_name="euler"),
            "sigmas": g("BasicScheduler", model=model, scheduler="simple", steps=1, denoise=1.0),
        }
        node = g(
            "SurrogateExplorer", **sampling,
            latent=latent, vae=g("TestAnyVAE", kind="video"), session=session.text(), seed=30, images_per_batch=2,
            filename_prefix="clips/x", audio_vae=heard,
        )  # fmt: skip
        made = g("SamplerCustomAdvanced", **sampling, noise=g("RandomNoise", noise_seed=31), latent_image=latent)
        own = g.keep(g("VAEDecodeAudio", samples=g("TestPart", latent=made, index=1), vae=heard))
        sounds = g.keep(node[8])
        return shown(g.run(), node), sounds, own

    first = Session.parse("", 2)
    said, sounds, own = page(first)
    assert [(cell["frames"], cell["sound"]) for cell in said["cells"]] == [(6, True)] * 2
    torch.testing.assert_close(list(sounds.tensors.values())[1], own.tensor, rtol=0, atol=1e-6)
    assert fetched(comfy, f"{said['cells'][1]['key']}?sound")[::2] == (200, "audio/mpeg")

    said, *_ = page(first.like(1).then("finish"))
    (file,) = said["saved"]
    saved = output(comfy) / "clips" / file["filename"]
    assert file["filename"].endswith(".mp4") and saved.with_suffix(".wav").exists()
    with av.open(str(saved)) as clip:
        assert len(list(clip.decode(video=0))) == 6 and clip.streams.audio[0].rate == 8000
    found = seeds_of(saved)
    expected = torch.randn(1, 16 * 3 * 6 * 8 + 8 * 16 * 11, generator=torch.Generator().manual_seed(31))
    assert torch.equal(
        found.seeds[0].noise(((16, 3, 6, 8), (8, 16, 11)))[0].flatten(), expected[0, : 16 * 3 * 6 * 8]
    ), found


def test_a_page_of_nearly_equal_pictures_says_what_to_do(comfy):
    log = Log(comfy)
    g = Graph(comfy)
    model, vae, text, latent = g.demo(place="sea", kind="turbo")
    sampling = g.sampling(model, text, steps=4)
    g("SurrogateExplorer", **sampling, latent=latent, vae=vae, session="", pictures=4, filename_prefix="explorer/turbo")
    g.run()
    assert log.wait_for("These 4 pictures are nearly equal")
