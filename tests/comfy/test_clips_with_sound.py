"""Render Points of a model that makes clips with sound: each VAE decodes its part, and the clips are saved with their sound."""

import json

import av
import numpy as np
import pytest
import torch

from dev.client import ExecutionFailed
from surrogate.search import Study

from .graph import Graph, Log, counted, needs_sound, output

CLIP, SOUND = (16, 3, 6, 8), (8, 16, 11)
LENGTH = 11 * 512


def rendered(comfy, name: str, shapes=(CLIP, SOUND), count: int = 3, vae=None, audio=None, **settings):
    """(graph, the node, what the stock nodes decode of the same samples: pictures, and the sound if core can)."""
    g = Graph(comfy)
    model, conditioning = g("TestAnyModel", channels=16, video=True).outputs(2)
    space = g.space("12, 99")
    points = g("SurrogatePoint", space=space, coordinates="\n".join(str((i + 1) / (count + 1)) for i in range(count)))
    latent = g.latent(*([1, *shape] for shape in shapes)) if len(shapes) > 1 else g.latent(1, *shapes[0])
    vae = vae or {"kind": "video", "channels": 16}
    heard = g("TestSoundVAE", of_clips=True, **(audio or {}))
    node = g.render(
        model,
        conditioning,
        g("TestAnyVAE", **vae),
        latent,
        space,
        points,
        log=f"{name} calls",
        audio_vae=heard,
        **{"filename_prefix": f"{name}/x", "images_per_batch": 2} | settings,
    )
    noise, repeated = g("SurrogateNoise", space=space, points=points, latent=latent).outputs(2)
    return g, node, g.custom(model, conditioning, noise, repeated, steps=1), heard


def test_each_vae_gets_its_part(comfy):
    """The pictures are those of VAE Decode, the sounds those of VAE Decode Audio, at any batch size."""
    needs_sound(comfy)
    g, node, samples, heard = rendered(comfy, "with sound")
    clips, sounds = g.keep(node[1]), g.keep(node[2])
    pictures = g.keep(g.decoded(g("TestPart", latent=samples, index=0), g("TestAnyVAE", kind="video")))
    stock = g.keep(g("VAEDecodeAudio", samples=g("TestPart", latent=samples, index=1), vae=heard))
    g.run()
    expected = (pictures.tensor * 255).to(torch.uint8).float() / 255
    assert torch.equal(torch.cat(list(clips.tensors.values())), expected)
    heard = list(sounds.tensors.values())
    assert [tuple(one.shape) for one in heard] == [(1, 2, LENGTH)] * 3
    torch.testing.assert_close(torch.cat(heard), stock.tensor, rtol=0, atol=1e-6)
    assert heard[0].std() > 0.01 and not torch.equal(heard[0], heard[1])


def test_files_of_clips_with_sound(comfy):
    """An MP4 to look at, with the sound and what rebuilds it; the sound alone without loss; and the picture as ever."""
    g, node, *_ = rendered(comfy, "sound files", frames_per_second=10.0)
    sounds = g.keep(node[2])
    entry = g.run()
    folder = output(comfy) / "sound files"
    shown = [image["filename"] for image in comfy.client.images(entry, node.number)]
    assert shown == sorted(path.name for path in folder.glob("*.mp4")) and len(shown) == 3
    assert entry["outputs"][node.number]["animated"] == [True]
    assert len(list(folder.glob("*.png"))) == len(list(folder.glob("*.wav"))) == 3
    assert not list(folder.glob("*part*"))
    with av.open(str(folder / shown[1])) as clip:
        assert len(list(clip.decode(video=0))) == 6
        recipe = json.loads(clip.metadata["surrogate"])
        assert json.loads(clip.metadata["prompt"]).keys() == g.prompt.keys()
    assert recipe["u"] == [0.5] and recipe["shape"] == [list(CLIP), list(SOUND)]
    with av.open(str(folder / shown[1])) as clip:
        assert clip.streams.video[0].average_rate == 10
        heard = np.concatenate([frame.to_ndarray() for frame in clip.decode(audio=0)], axis=1)
        assert clip.streams.audio[0].rate == 8000
    whole = sounds.tensors["1.0"][0].numpy()
    common = min(heard.shape[1], LENGTH, 4000)
    # AAC is not exact, but it is this sound.
    assert np.corrcoef(heard[0, 1000:common], whole[0, 1000:common])[0, 1] > 0.9


def test_what_is_finished_is_not_made_again(comfy):
    """Not even after a restart, of which core's cache knows nothing: clips, sounds and files are the same."""
    g, node, *_ = rendered(comfy, "sound again")
    clips, sounds = g.keep(node[1]), g.keep(node[2])
    g.run()
    folder = output(comfy) / "sound again"
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    first = clips.tensors, sounds.tensors
    g, node, *_ = rendered(comfy, "sound again", images_per_batch=3)
    clips, sounds = g.keep(node[1]), g.keep(node[2])
    g.run()
    assert counted(comfy, "sound again calls") == [2, 1]
    assert before == {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    for kept, again in zip(first, (clips.tensors, sounds.tensors), strict=True):
        assert all(torch.equal(kept[name], again[name]) for name in kept)


def test_a_damaged_sound_is_made_again(comfy):
    g, node, *_ = rendered(comfy, "sound damaged")
    sounds = g.keep(node[2])
    g.run()
    first, _, third = sorted((output(comfy) / "sound damaged").glob("*.wav"))
    first.write_bytes(b"no sound")
    third.unlink()
    kept, log = sounds.tensors, Log(comfy)
    g, node, *_ = rendered(comfy, "sound damaged", largest_side=4)
    sounds = g.keep(node[2])
    g.run()
    assert counted(comfy, "sound damaged calls") == [2, 1, 2]
    # The third was in a batch of two before: on some processors that changes the last bits of core's arithmetic.
    for name, sound in sounds.tensors.items():
        torch.testing.assert_close(sound, kept[name], rtol=0, atol=1e-6)
    assert log.wait_for(f"{first.name} cannot be read")


def test_a_sound_too_loud_is_made_quieter_as_core_does(comfy):
    needs_sound(comfy)
    g, node, samples, heard = rendered(comfy, "sound loud", audio={"loud": True})
    sounds = g.keep(node[2])
    stock = g.keep(g("VAEDecodeAudio", samples=g("TestPart", latent=samples, index=1), vae=heard))
    g.run()
    torch.testing.assert_close(torch.cat(list(sounds.tensors.values())), stock.tensor, rtol=0, atol=1e-6)


def test_without_an_audio_vae_it_is_silent(comfy):
    g, node, *_ = rendered(comfy, "sound none", frames_per_second=6.0)
    del g.prompt[node.number]["inputs"]["audio_vae"]
    sounds = g.keep(node[2])
    entry = g.run()
    assert all(image["filename"].endswith(".png") for image in comfy.client.images(entry, node.number))
    assert [tuple(one.shape) for one in sounds.tensors.values()] == [(1, 1, 44100)] * 3
    assert not any(one.any() for one in sounds.tensors.values())


def test_the_vae_finds_its_part_wherever_it_is(comfy):
    """By the channels of its latents; core's own models have the clip first."""
    g, node, *_ = rendered(comfy, "sound first", shapes=(SOUND, CLIP))
    clips, sounds = g.keep(node[1]), g.keep(node[2])
    g.run()
    assert [tuple(one.shape) for one in clips.tensors.values()] == [(6, 6, 8, 3)] * 3
    assert [tuple(one.shape) for one in sounds.tensors.values()] == [(1, 2, LENGTH)] * 3


def searched(comfy, name: str, **settings):
    """(graph, Surrogate Search of a model of clips with sound, its latent, what decodes the sound)."""
    g = Graph(comfy)
    model, conditioning = g("TestAnyModel", channels=16, video=True).outputs(2)
    latent, heard = g.latent([1, *CLIP], [1, *SOUND]), g("TestSoundVAE", of_clips=True)
    node = g(
        "SurrogateSearch",
        guider=g("BasicGuider", model=model, conditioning=conditioning),
        sampler=g("KSamplerSelect", sampler_name="euler"),
        sigmas=g("BasicScheduler", model=model, scheduler="simple", steps=1, denoise=1.0),
        latent=latent,
        vae=g("TestAnyVAE", kind="video"),
        study=g("SurrogateStudy", space=g.space("12, 99"), latent=latent, name=name, budget=6, population=3),
        scorer=g("SurrogatePictureStatistics", statistic="brightest_x")[1],
        score_seeds=False,
        n_best=2,
        **{"audio_vae": heard} | settings,
    )
    return g, node, heard


def test_the_best_clips_of_a_search_have_their_sounds(comfy):
    """As VAE Decode Audio decodes the best latent; silence without an audio VAE."""
    needs_sound(comfy)
    g, node, heard = searched(comfy, "sounds of a search")
    sounds = g.keep(node[8])
    stock = g.keep(g("VAEDecodeAudio", samples=g("TestPart", latent=node, index=1), vae=heard))
    g.run()
    first, second = sounds.tensors.values()
    torch.testing.assert_close(first, stock.tensor, rtol=0, atol=1e-6)
    assert tuple(second.shape) == (1, 2, LENGTH) and not torch.equal(first, second)
    g, node, _ = searched(comfy, "silent search")
    del g.prompt[node.number]["inputs"]["audio_vae"]
    sounds = g.keep(node[8])
    g.run()
    assert [tuple(one.shape) for one in sounds.tensors.values()] == [(1, 1, 44100 * 6 // 24)] * 2


def test_a_search_says_at_once_what_is_connected_wrongly(comfy):
    g, node, _ = searched(comfy, "wrong sound of a search")
    g.prompt[node.number]["inputs"]["audio_vae"] = g.prompt[node.number]["inputs"]["vae"]
    with pytest.raises(ExecutionFailed, match=r"audio_vae decodes to shape.*not sound"):
        g.run()
    storage = comfy.server.base / "user" / "surrogate_studies.db"
    assert not len(Study.load(storage, "wrong sound of a search").history())


def test_what_is_connected_wrongly_is_named(comfy):
    g, *_ = rendered(comfy, "sound wrong", shapes=(CLIP,))
    with pytest.raises(ExecutionFailed, match=r"audio_vae: the latent has one part.*Disconnect audio_vae"):
        g.run()
    g, node, *_ = rendered(comfy, "sound wrong")
    g.prompt[node.number]["inputs"]["audio_vae"] = g.prompt[node.number]["inputs"]["vae"]
    with pytest.raises(ExecutionFailed, match=r"audio_vae decodes to shape.*not sound.*connect the audio VAE there"):
        g.run()
    g, node, *_ = rendered(comfy, "sound wrong")
    g.prompt[node.number]["inputs"]["vae"] = g.prompt[node.number]["inputs"]["audio_vae"]
    with pytest.raises(ExecutionFailed, match="vae decodes to 2 channels, which is not pictures"):
        g.run()
