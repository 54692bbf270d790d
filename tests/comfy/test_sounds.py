"""Sound in a real server: core's Stable Audio class, sheets, players, files that tell their seeds, a search."""

import io as memory
import json
import time

import av
import numpy as np
import pytest
import torch

from dev.client import ExecutionFailed
from surrogate import SurrogateSpace
from surrogate.metadata import seeds_of
from surrogate.search import Study
from surrogate.seeds import Seeds

from .graph import Graph, counted, needs_sound, output
from .test_search import names, storage, wait_finished

SECONDS, RATE = 1.0, 44100


@pytest.fixture(autouse=True, scope="module")
def nodes_for_sound(comfy):
    needs_sound(comfy)


class Sounds:
    """Stable Audio's own class with few weights, behind it a decoder that is an organ, and all in stock nodes."""

    def __init__(self, comfy, seeds: str = "12, 99, 1024", seconds: float = SECONDS):
        self.g = g = Graph(comfy)
        self.model, self.conditioning = g("TestFamily", family="Stable Audio").outputs(2)
        self.vae = g("TestSoundVAE")
        self.latent = g("EmptyLatentAudio", seconds=seconds)
        self.space = g.space(seeds)

    def points(self, weights: str):
        return self.g("SurrogateWeights", space=self.space, weights=weights)

    def sampled(self, points, images_per_batch: int = 0):
        noise, latent = self.g(
            "SurrogateNoise", space=self.space, points=points, latent=self.latent, images_per_batch=images_per_batch
        ).outputs(2)
        return self.g.custom(self.model, self.conditioning, noise, latent)

    def heard(self, samples):
        return self.g("VAEDecodeAudio", samples=samples, vae=self.vae)

    def alone(self, integer: int):
        noise = self.g("RandomNoise", noise_seed=integer)
        return self.heard(self.g.custom(self.model, self.conditioning, noise, self.latent))


def files(entry: dict, node) -> list[dict]:
    return entry["outputs"][node.number]["audio"]


def played(comfy, file: dict) -> tuple[np.ndarray, int]:
    """Samples (channels, n) of a file that the server gives to the browser."""
    with av.open(memory.BytesIO(comfy.client.view(file))) as container:
        frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
        channels, rate = container.streams.audio[0].channels, container.streams.audio[0].rate
    return np.concatenate([f.reshape(-1, channels).T if f.shape[0] != channels else f for f in frames], 1), rate


def test_points_of_a_space_are_heard_seen_and_saved(comfy):
    """Vertices are the integers' own sounds to the last bit; each file tells its seed."""
    s = Sounds(comfy)
    g, points = s.g, s.points("1 0 0\n1 1 0\n0 0 1")
    sheet = g("SurrogateSoundSheet", sounds=s.heard(s.sampled(points, 1)), points=points, title="Between")
    single, drawn, pictures = (g.keep(sheet[i]) for i in range(3))
    own = [g.keep(s.alone(seed)) for seed in (12, 1024)]
    batch = g.keep(s.heard(s.sampled(points)))
    saved = [
        g(kind, audio=sheet, filename_prefix=f"heard/{kind}") for kind in ("SaveAudio", "SaveAudioMP3", "SaveAudioOpus")
    ]
    entry = g.run()

    one, blend, two = single.tensors.values()
    assert one.shape[:2] == (1, 2) and one.shape == blend.shape == two.shape
    assert torch.equal(one, own[0].tensor) and torch.equal(two, own[1].tensor)
    assert min((blend - x).abs().max() for x in (one, two)) > 0.01
    assert (batch.tensor - torch.cat([one, blend, two])).abs().max() < 1e-4  # a batch's arithmetic

    assert drawn.tensor.shape[0] == 1 and drawn.tensor.shape[2] > 384 and drawn.tensor.std() > 0.05
    assert pictures.tensor.shape == (3, 216, 384, 3)
    assert entry["outputs"][sheet.number]["names"] == ["1  seed 12", "2  12 50% · 99 50%", "3  seed 1024"]
    for file, sound in zip(files(entry, sheet), (one, blend, two), strict=True):
        samples, rate = played(comfy, file)
        assert rate == RATE and samples.shape == sound.shape[1:]
        assert np.abs(samples / 32768 - sound[0].clamp(-1, 1).numpy()).max() < 1e-3

    space = SurrogateSpace(Seeds.from_text("12, 99, 1024"))
    expected = space.combine(np.array([[1, 0, 0], [0.5**0.5, 0.5**0.5, 0], [0, 0, 1]]), (64, 22))
    for node in saved:
        assert len(files(entry, node)) == 3
        for file, noise in zip(files(entry, node), expected, strict=True):
            found = seeds_of(output(comfy) / file["subfolder"] / file["filename"])
            (seed,) = found.seeds
            assert torch.equal(seed.noise(((64, 22),))[0], noise), found.reason


def test_seeds_from_saved_sounds(comfy):
    s = Sounds(comfy)
    s.g("SaveAudio", audio=s.heard(s.g.ksampler(s.model, s.conditioning, s.g("EmptyLatentAudio", seconds=SECONDS, batch_size=2), 7)),
        filename_prefix="to find/sound")  # fmt: skip
    s.g.run()
    g = Graph(comfy)
    found = g("SurrogateSeedsFromPictures", pictures="to find/*.flac [output]")
    pictures = g.keep(found[1])
    entry = g.run()
    (said,) = entry["outputs"][found.number]["text"]
    assert "for Seeds from Integers: 7:0/2, 7:1/2" in said
    assert pictures.tensor.shape[0] == 2 and pictures.tensor.std() > 0.05


def test_a_sound_is_the_same_alone_and_in_a_batch(comfy):
    """VAE Decode Audio makes loud sounds quieter, each by its own loudness: neither the others nor their order count."""
    g = Graph(comfy)
    vae, batch = g("TestSoundVAE"), g.latent(3, 64, 20, fill="normal", number=1)
    loud = g("LatentMultiply", samples=batch, multiplier=10.0)
    together = g.keep(g("VAEDecodeAudio", samples=loud, vae=vae))
    alone = [
        g.keep(g("VAEDecodeAudio", samples=g("LatentFromBatch", samples=loud, batch_index=i, length=1), vae=vae))
        for i in range(3)
    ]
    g.run()
    assert torch.allclose(together.tensor.std((1, 2)), torch.full((3,), 0.2))  # it did
    for i, one in enumerate(alone):
        assert torch.equal(one.tensor[0], together.tensor[i])


# What is on the wire -> how many sounds, and how many of them can have a player.
GOOD = {
    "mono": ([[[1, 1, 800], 8000, "tone"]], 1, 1),
    "stereo in a batch": ([[[3, 2, 800], 8000, "noise"]], 3, 3),
    "lists of all lengths and rates": (
        [[[2, 1, 800], 8000, "tone"], [[1, 2, 4410], 44100, "tone"], [[1, 1, 9600], 96000, "noise"]], 4, 4
    ),
    "shorter than a window": ([[[1, 1, 3], 44100, "tone"]], 1, 1),
    "silence": ([[[2, 2, 4000], 44100, "zeros"]], 2, 2),
    "NaN": ([[[1, 2, 4000], 44100, "nan"]], 1, 1),
    "clipping": ([[[1, 2, 4000], 44100, "loud"]], 1, 1),
    "more channels than a player has": ([[[1, 6, 4000], 48000, "tone"]], 1, 1),
    "a rate that no file has": ([[[1, 1, 4000], 10_000_000, "tone"], [[1, 1, 4000], 8000, "tone"]], 2, 1),
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_all_kinds_of_sounds_have_a_sheet(comfy, name):
    sounds, count, players = GOOD[name]
    g = Graph(comfy)
    made = g("TestSounds", sounds=json.dumps(sounds))
    sheet = g("SurrogateSoundSheet", sounds=made, numbers=False, cell_size=200)
    given, single, drawn = g.keep(made), g.keep(sheet), g.keep(sheet[1])
    entry = g.run()
    batches = [sound for batch in given.tensors.values() for sound in batch.split(1)]
    assert [*map(torch.Tensor.tolist, single.tensors.values())] == [*map(torch.Tensor.tolist, batches)] or name == "NaN"
    assert len(single.tensors) == count
    assert drawn.tensor.shape[-1] == 3 and drawn.tensor.isfinite().all()
    assert len(files(entry, sheet)) == players == len(entry["outputs"][sheet.number]["names"])
    for file in files(entry, sheet):
        assert np.isfinite(played(comfy, file)[0]).all()


def test_without_players_there_are_no_files(comfy):
    g = Graph(comfy)
    sheet = g("SurrogateSoundSheet", sounds=g("TestSounds", sounds='[[[2, 1, 800], 8000, "tone"]]'), players=False)
    assert "audio" not in g.run()["outputs"].get(sheet.number, {})


BAD = {
    "another number than points": ({"points": "1 0 0\n0 1 0"}, [[[3, 1, 80], 8000, "tone"]], "sounds holds 3 sounds, but there are 2 points"),
    "scores": ({"scores": [1.0]}, [[[3, 1, 80], 8000, "tone"]], "scores holds 1 numbers, but there are 3 sounds"),
    "cut to nothing": ({}, [[[1, 1, 80], 8000, "tone"], [[1, 2, 0], 8000, "zeros"]], "at place 1, got (1, 2, 0): is it cut to nothing"),
    "no batch": ({}, [[[2, 80], 8000, "tone"]], "expected a waveform of shape (batch, channels, samples)"),
    "an empty batch": ({}, [[[0, 2, 80], 8000, "zeros"]], "at place 0, got (0, 2, 80)"),
    "no sound at all": ({}, [None], "expected AUDIO with waveform and sample_rate at place 0, got None"),
    "another pack's": ({}, [{"samples": [1]}], "expected AUDIO with waveform and sample_rate at place 0"),
    "a text": ({}, [{"waveform": "loud", "sample_rate": 8}], "at place 0, got str"),
    "no rate": ({}, [[[1, 1, 80], 0, "zeros"]], "expected a positive number of samples a second, got 0"),
    "no sounds": ({}, [], "sounds"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_wrong_sounds_are_named(comfy, name):
    inputs, sounds, message = BAD[name]
    g = Graph(comfy)
    if "points" in inputs:
        inputs = {"points": g("SurrogateWeights", space=g.space("1, 2, 3"), weights=inputs["points"])}
    elif "scores" in inputs:
        inputs = {"scores": g("TestNumbers", numbers=json.dumps(inputs["scores"]))}
    g("PreviewImage", images=g("SurrogateSoundSheet", sounds=g("TestSounds", sounds=json.dumps(sounds)), **inputs)[1])
    with pytest.raises(ExecutionFailed) as failed:
        g.run()
    assert message in str(failed.value), failed.value


@pytest.mark.parametrize("node", ["Render Points", "Surrogate Search"])
def test_nodes_for_pictures_say_what_to_use_before_they_sample(comfy, node):
    s, name = Sounds(comfy), next(names)
    g = s.g
    if node == "Render Points":
        g.render(s.model, s.conditioning, s.vae, s.latent, s.space, s.points("1 0 0"), log=name)
    else:
        g("SurrogateSearch",
          guider=g("BasicGuider", model=s.model, conditioning=s.conditioning),
          sampler=g("TestCountedSampler", sampler=g("KSamplerSelect", sampler_name="euler"), log=name),
          sigmas=g("BasicScheduler", model=s.model, scheduler="simple", steps=2, denoise=1.0),
          latent=s.latent, vae=s.vae,
          study=g("SurrogateStudy", space=s.space, latent=s.latent, name=name, budget=8, optimiser="between the seeds"),
          scorer=g("SurrogatePictureStatistics")[1])  # fmt: skip
    with pytest.raises(ExecutionFailed) as failed:
        g.run()
    for words in ("vae decodes to 2 channels", "VAE Decode Audio", "Sound Sheet", "Ask and Tell"):
        assert words in str(failed.value), failed.value
    assert counted(comfy, name) == []


def search_of_sounds(s: Sounds, name: str, **settings):
    """Surrogate Search with an audio VAE for what sounds like the seed 99, and its Study."""
    g = s.g
    match = g("SurrogateMatchSound", target=s.heard(s.sampled(s.points("0 1 0"), 1)))
    more = {"optimiser": "nsga-ii", "more_directions": "minimize"} if "scorer_2" in settings else {}
    return g("SurrogateSearch",
             **{"scorer": match[1], **settings},
             guider=g("BasicGuider", model=s.model, conditioning=s.conditioning),
             sampler=g("KSamplerSelect", sampler_name="euler"),
             sigmas=g("BasicScheduler", model=s.model, scheduler="simple", steps=4, denoise=1.0),
             latent=s.latent, vae=s.vae, n_best=2, images_per_batch=1,
             study=g("SurrogateStudy", space=s.space, latent=s.latent, name=name, budget=6, random_seed=1, **more))  # fmt: skip


def test_surrogate_search_hears(comfy):
    """A score of sounds has it decode them; a node of another pack gets them too; what it tells is what is heard."""
    s, name = Sounds(comfy), next(names)
    pitch = s.g("TestPitch", audio=s.g("SurrogateScoreInput")[1])
    node = search_of_sounds(s, name, scorer_2=s.g("SurrogateScoreOutput", score=pitch)[0])
    heard = s.heard(node)
    best = s.g.keep(s.g("TestPitch", audio=heard))
    picture = s.g.keep(node[1])
    s.g.run()
    history = Study.load(storage(comfy), name).history()
    assert history.scores.shape == (9, 2) and np.isfinite(history.scores).all()
    known = {label: row for label, row in zip(history.labels, history.scores.tolist(), strict=True)}
    assert max(history.scores[:, 0]) == known["seed 99"][0] == pytest.approx(0, abs=1e-4)
    assert len(set(history.scores[:, 1])) == 9
    assert (
        float(best.tensor) in history.scores[:, 1].round(9)
        or np.abs(history.scores[:, 1] - float(best.tensor)).min() < 1e-4
    )
    assert picture.tensor.shape == (1, 216, 384, 3) and picture.tensor.std() > 0.05


def test_scores_of_sounds_and_of_pictures_do_not_mix(comfy):
    s = Sounds(comfy)
    node = search_of_sounds(s, next(names), scorer_2=s.g("SurrogatePictureStatistics")[1])
    with pytest.raises(ExecutionFailed, match="scorer judges sounds and scorer_2 pictures"):
        s.g.run()
    given = s.g.prompt[node.number]["inputs"]
    given["vae"] = s.g("TestAnyVAE")[0]
    del given["scorer_2"]
    with pytest.raises(
        ExecutionFailed, match="scorer judges sounds, but vae decodes to pictures: connect an audio VAE"
    ):
        s.g.run()


def test_sound_scores_as_numbers(comfy):
    s = Sounds(comfy)
    heard = s.heard(s.sampled(s.points("1 0 0\n0 1 0\n1 1 0")))
    target = s.heard(s.sampled(s.points("0 1 0"), 1))
    match = s.g.keep(s.g("SurrogateMatchSound", target=target, method="match_timbre", sounds=heard))
    high = s.g.keep(s.g("SurrogateSoundStatistics", statistic="pitch_height", sounds=heard))
    s.g.run()
    far, same, blend = (float(t) for t in match.tensors.values())
    assert same == pytest.approx(0, abs=1e-4) and far < blend < same
    assert len({float(t) for t in high.tensors.values()}) == 3


def test_a_search_for_a_sound_with_a_score_of_what_is_heard(comfy):
    """Ask and Tell around stock nodes; the report shows what each sounded like."""
    s, name = Sounds(comfy, "12, 99, 1024, 7"), next(names)
    g = s.g
    study = g("SurrogateStudy", space=s.space, latent=s.latent, name=name, budget=32, optimiser="between the seeds")
    asked, points, _ = g("SurrogateAsk", study=study).outputs(3)
    heard = s.heard(s.sampled(points))
    scores = g("TestPitch", audio=heard)
    sheet = g("SurrogateSoundSheet", sounds=heard, points=points, scores=scores, cell_size=160, players=False)
    told = g("SurrogateTell", study=asked, scores=scores, images=sheet[2], until_finished=True)
    report = g("SurrogateStudyReport", study=told)
    page = g.keep(report)
    g.run()
    wait_finished(comfy, name)
    while any(comfy.client.get("/queue").values()):
        time.sleep(0.1)
    rows = Study.load(storage(comfy), name).history()
    assert len(rows.scores) == 32 and np.isfinite(rows.scores).all()
    assert rows.scores[-8:].mean() > rows.scores[:8].mean()
    assert page.tensor.shape[1] > 1000 and page.tensor.std() > 0.05
