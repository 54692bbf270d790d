"""ComfyUI as it is becoming: a copy of it with what later versions changed, and one that lacks what the pack needs."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from PIL import Image

from dev.client import Client, ExecutionFailed
from dev.server import Server, comfyui_folder

from .conftest import Comfy
from .graph import Graph, output

ROOT = Path(__file__).absolute().parents[2]
TESTKIT = Path(__file__).parent / "testkit"
NOISE_SCALE = 2.0
NOT_COPIED = ("models", "input", "output", "user", "custom_nodes")

# Since 2026: an empty latent is resized to the model's own scale (here 16, so that core's 8 halves it), and noise is
# drawn in single precision.
SAMPLE = """
_fix_before, _noise_before = fix_empty_latent_channels, prepare_noise_inner


def fix_empty_latent_channels(model, latent_image, downscale_ratio_spacial=None, downscale_ratio_temporal=None):
    if downscale_ratio_spacial is not None and not latent_image.is_nested and not torch.count_nonzero(latent_image):
        size = [round(side * downscale_ratio_spacial / 16) for side in latent_image.shape[-2:]]
        latent_image = latent_image.new_zeros(*latent_image.shape[:-2], *size)
    return _fix_before(model, latent_image)


def prepare_noise_inner(latent_image, *args, **settings):
    return _noise_before(latent_image.float(), *args, **settings).to(latent_image.dtype)
"""
CALL = "fix_empty_latent_channels({}, latent_image)"
CALL_NOW = (
    "fix_empty_latent_channels({}, latent_image, latent.get('downscale_ratio_spacial'), "
    "latent.get('downscale_ratio_temporal'))"
)
# Flow models may ask for stronger noise (HiDream-O1 does).
SAMPLING = f"""
_scaling_before = CONST.noise_scaling
CONST.noise_scaling = lambda self, sigma, noise, *rest, **more: _scaling_before(self, sigma, {NOISE_SCALE} * noise, *rest, **more)
"""
MODULE = 'python_module=getattr(cls, "RELATIVE_PYTHON_MODULE", "nodes")'
# What people type into the node search, and a node that must be among the answers.
TYPED = {
    "slerp": "Space", "noise mix": "Weights", "seed blend": "Weights", "seed": "SeedsFromIntegers",
    "variation": "Neighbours", "variation seed": "Neighbours", "similar images": "Neighbours",
    "seed explorer": "Corners", "x/y plot": "Grid", "xy plot": "Grid", "grid": "Corners",
    "batch index": "SeedsFromIntegers", "image 3 of a batch of 4": "SeedsFromIntegers", "42:3/4": "SeedsFromIntegers",
    "best of n": "Search", "seed hunt": "Search", "evolve": "Search", "genetic": "Search", "optimize": "Search",
    "CMA-ES": "Study", "optuna": "Study", "bayesian": "Study", "unsample": "Invert", "image to noise": "Invert",
    "interpolation": "Path", "seed travel": "Path", "contact sheet": "ContactSheet", "png info": "SeedsFromPictures",
    "seed variance": "Conditioning", "same image every seed": "Conditioning", "more variety": "Carrier", "turbo": "Carrier",
}  # fmt: skip
# On the processor, ancestral samplers no longer begin with the noise that the picture began with.
ANCESTRAL = """
_sampler_before = default_noise_sampler


def default_noise_sampler(x, seed=None):
    return _sampler_before(x, None if seed is None else seed + 1)
"""


def copied(folder: Path, added: dict[str, str], replaced: dict[str, list[tuple[str, str]]] | None = None) -> Path:
    """A copy of ComfyUI with text added to the ends of files, and replaced in them. Skips if it is the user's own."""
    comfyui = comfyui_folder()
    if not comfyui.is_relative_to(ROOT):
        pytest.skip("copies are made of run.py's own ComfyUI, not of yours")
    shutil.copytree(comfyui, folder, ignore=lambda where, _: NOT_COPIED if Path(where) == comfyui else ())
    for name, text in added.items():
        with open(folder / name, "a", encoding="utf-8") as file:
            file.write(text)
    for name, pairs in (replaced or {}).items():
        text = (folder / name).read_text("utf-8")
        for before, after in pairs:
            assert before in text, f"{name} has no {before!r}"
            text = text.replace(before, after)
        (folder / name).write_text(text, "utf-8")
    return folder


@pytest.fixture(scope="module")
def later(tmp_path_factory):
    """With everything at once, and without a cache: nothing may rely on what an earlier run left there."""
    folder = copied(
        tmp_path_factory.mktemp("later") / "ComfyUI",
        {
            "comfy/sample.py": SAMPLE,
            "comfy/model_sampling.py": SAMPLING,
            "comfy/k_diffusion/sampling.py": ANCESTRAL,
            # Not promised to nodes; what uses them is missed by no other test here.
            "comfy/model_management.py": "\ndel processing_interrupted\n",
            "comfy/sd1_clip.py": "\ndel SD1ClipModel.reset_clip_options\n",
        },
        {
            "nodes.py": [
                (CALL.format("model"), CALL_NOW.format("model")),
                ('return ({"samples":latent}, )', 'return ({"samples": latent, "downscale_ratio_spacial": 8}, )'),
            ],
            # Samplers work in single precision whatever the latent is kept in.
            "comfy/samplers.py": [
                (f"{what} = {what}.to(device)", f"{what} = {what}.to(device, torch.float32)")
                for what in ("noise", "latent_image")
            ],
            # Schemas name other words under which a node is found (0.11 and later).
            "comfy_api/latest/_io.py": [
                (
                    "    enable_expand: bool=False\n",
                    "    enable_expand: bool=False\n    search_aliases: list[str]=None\n",
                ),
                ("    api_node: bool=None\n", "    api_node: bool=None\n    search_aliases: list[str]=None\n"),
                (MODULE, f"{MODULE},\n            search_aliases=self.search_aliases"),
            ],
            "comfy_extras/nodes_custom_sampler.py": [
                (CALL.format(model), CALL_NOW.format(model)) for model in ("model", "guider.model_patcher")
            ],
        },
    )
    with Server("later", packs=[TESTKIT], arguments=["--cpu", "--cache-none"], comfyui=folder) as server:
        yield Comfy(server, Client(server.url))


def ours(g: Graph, latent, seeds: str = "12, 99", which=(0, 1)):
    """NOISE and LATENT of seeds of a space."""
    space = g.space(seeds)
    return g("SurrogateNoise", space=space, points=g.vertices(space, 2, which), latent=latent).outputs(2)


def test_nodes_are_found_by_what_people_type(later):
    ours = {i: node for i, node in later.client.object_info().items() if i.startswith("Surrogate")}
    # Surrogate Search adds its steps by itself; the page hides them, as it does with nodes that are deprecated.
    assert [i for i, node in ours.items() if node.get("deprecated")] == ["SurrogateSearchStep"]
    assert not [i for i, node in ours.items() if not node["search_aliases"] and not node.get("deprecated")]
    for typed, wanted in TYPED.items():
        node = ours[f"Surrogate{wanted}"]
        names = [name.lower() for name in (node["display_name"], *node["search_aliases"])]
        assert any(typed.lower() in name for name in names), f"{typed} does not find {node['display_name']}"


def test_noise_has_the_size_that_the_sampler_asks_for(later):
    """By every route, and bit for bit core's own."""
    g = Graph(later)
    model, conditioning = g("TestAnyModel", kind="flow", channels=16).outputs(2)
    latent = g("EmptyLatentImage", width=128, height=128, batch_size=1)
    noise, repeated = ours(g, latent, which=[0])
    custom = g.keep(g.custom(model, conditioning, noise, repeated))
    core = g.keep(g.custom(model, conditioning, g("RandomNoise", noise_seed=12), latent))
    space = g.space("12, 99")
    patched = g("SurrogateKSamplerNoise", model=model, space=space, points=g.vertices(space, 2, [0]), latent=latent)
    ksampler = g.keep(g.ksampler(patched, conditioning, patched[1], seed=5))
    core_ksampler = g.keep(g.ksampler(model, conditioning, latent, seed=12))
    vae = g("TestAnyVAE")
    rendered = g.keep(g.render(model, conditioning, vae, latent, space, g.vertices(space, 2, [0]), steps=4,
                               filename_prefix="later"))  # fmt: skip
    decoded = g.keep(g.decoded(g.custom(model, conditioning, g("RandomNoise", noise_seed=12), latent), vae))
    g.run()
    assert core.tensor.shape == (1, 16, 8, 8)  # the copy does what later versions do
    assert torch.equal(custom.tensor, core.tensor)
    assert torch.equal(ksampler.tensor, core_ksampler.tensor)
    assert (rendered.tensor - decoded.tensor).abs().max() <= 1 / 255
    # What the picture says of its noise is what was drawn.
    (picture,) = (output(later)).glob("later*.png")
    with Image.open(picture) as image:
        recipe = json.loads(image.text["surrogate"])
    assert recipe["shape"] == [[16, 8, 8]]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_noise_has_the_dtype_of_the_latent(later, dtype):
    """Later versions can keep latents in half precision between nodes."""
    g = Graph(later)
    model, conditioning = g("TestAnyModel", kind="flow", channels=4).outputs(2)
    latent = g.latent(1, 4, 6, 6, dtype=dtype)
    noise, repeated = ours(g, latent)
    drawn = g.keep(noise, latent=repeated)
    core = [g.keep(g("RandomNoise", noise_seed=seed), latent=latent) for seed in (12, 99)]
    space = g.space("12, 99")
    rendered = g.keep(g.render(model, conditioning, g("TestAnyVAE"), latent, space, g.vertices(space, 2),
                               filename_prefix=dtype))  # fmt: skip
    guider = g("BasicGuider", model=model, conditioning=conditioning)
    sigmas = g("BasicScheduler", model=model, scheduler="simple", steps=4, denoise=1.0)
    sampled = g.custom(model, conditioning, noise, repeated)
    inverted = g("SurrogateInvert", guider=guider, sigmas=sigmas, latent=sampled)
    seeds = g("SurrogateSeedsFromLatents", latent=sampled)
    again = g.keep(g("SurrogateNoise", space=g("SurrogateSpace", seeds=seeds), points=g.vertices(space, 2),
                     latent=latent), latent=repeated)  # fmt: skip
    error = g("PreviewAny", source=inverted[3])
    entry = g.run()
    assert drawn.tensor.dtype == getattr(torch, dtype)
    assert torch.equal(drawn.tensor, torch.cat([one.tensor for one in core]))
    assert rendered.tensor.std() > 0.05
    assert again.tensor.dtype == getattr(torch, dtype) and torch.isfinite(again.tensor).all()
    assert float(entry["outputs"][error.number]["text"][0].strip("[]").split(",")[0]) < 0.02


def test_an_inverted_noise_is_as_strong_as_the_sampler_wants_it(later):
    g = Graph(later)
    model, conditioning = g("TestAnyModel", kind="flow", channels=4).outputs(2)
    latent = g.latent(1, 4, 16, 16)
    drawn = g.keep(g("RandomNoise", noise_seed=12), latent=latent)
    made = g.custom(model, conditioning, g("RandomNoise", noise_seed=12), latent, steps=8)
    node = g(
        "SurrogateInvert",
        guider=g("BasicGuider", model=model, conditioning=conditioning),
        sigmas=g("BasicScheduler", model=model, scheduler="simple", steps=8, denoise=1.0),
        latent=made,
    )
    found, again, made = g.keep(node[1]), g.keep(node[2]), g.keep(made)
    g.run()
    assert (again.tensor - made.tensor).norm() < 1e-3 * made.tensor.norm()
    assert (found.tensor - drawn.tensor).norm() < 1e-3 * drawn.tensor.norm()


def test_pinned_samplers_give_the_same_picture_in_every_version(later, comfy):
    """Core's own ancestral noise has changed; what Pinned Sampler draws has nothing to do with it."""
    kept = {}
    for version in (comfy, later):
        g = Graph(version)
        model, conditioning = g("TestAnyModel", kind="eps", channels=4).outputs(2)
        noise, repeated = ours(g, g.latent(1, 4, 8, 8))
        plain = g("KSamplerSelect", sampler_name="euler_ancestral")
        kept[version] = []
        for sampler in (plain, g("SurrogatePinnedSampler", sampler=plain, noise_seed=3)):
            out = g(
                "SamplerCustomAdvanced",
                noise=noise,
                latent_image=repeated,
                guider=g("BasicGuider", model=model, conditioning=conditioning),
                sampler=sampler,
                sigmas=g("BasicScheduler", model=model, scheduler="simple", steps=4, denoise=1.0),
            )
            kept[version].append(g.keep(out))
        g.run()
    (plain, pinned), (plain_later, pinned_later) = kept[comfy], kept[later]
    assert not torch.equal(plain.tensor, plain_later.tensor)
    assert torch.equal(pinned.tensor, pinned_later.tensor)


def test_searches_need_no_cache(later):
    """Ask and Tell repeat the graph; Search is one node. Both find the same."""
    ways = ("loop", "node")
    for way in ways:
        g = Graph(later)
        model, conditioning = g("TestAnyModel", kind="flow", channels=4).outputs(2)
        latent, vae = g.latent(1, 4, 6, 6), g("TestAnyVAE")
        study = g("SurrogateStudy", space=g.space("12, 99, 7"), latent=latent, name=f"later {way}", budget=12,
                  optimiser="between the seeds", population=6)  # fmt: skip
        if way == "loop":
            ask = g("SurrogateAsk", study=study)
            noise = g("SurrogateNoise", space=ask[2], points=ask[1], latent=latent)
            pictures = g.decoded(g.custom(model, conditioning, noise, noise[1]), vae)
            scores = g("SurrogatePictureStatistics", images=pictures, statistic="brightest_x")
            g("SurrogateTell", study=ask, scores=scores, images=pictures, until_finished=True)
        else:
            g(
                "SurrogateSearch",
                study=study,
                **g.sampling(model, conditioning, 4),
                latent=latent,
                vae=vae,
                scorer=g("SurrogatePictureStatistics", statistic="brightest_x")[1],
                score_seeds=False,
            )
        g.run()
    deadline = time.monotonic() + 120
    while True:
        loop, node = (later.client.get("/surrogate/study", name=f"later {way}") for way in ways)
        if loop["finished"]:
            break
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert loop["evaluated"] == node["evaluated"] == 12
    assert loop["best"] == node["best"]


def test_guiders_need_nothing_but_a_model_and_sample(later):
    g = Graph(later)
    model, conditioning = g("TestAnyModel", kind="flow", channels=4).outputs(2)
    latent, space = g.latent(1, 4, 6, 6), g.space("12, 99")
    whole = g("BasicGuider", model=model, conditioning=conditioning)
    sigmas = g("BasicScheduler", model=model, scheduler="simple", steps=4, denoise=1.0)
    pictures, noises = [], []
    for number, guider in enumerate((whole, g("TestBareGuider", guider=whole))):
        pictures.append(
            g.keep(
                g(
                    "SurrogateRenderPoints",
                    guider=guider,
                    sampler=g("KSamplerSelect", sampler_name="euler"),
                    sigmas=sigmas,
                    latent=latent,
                    vae=g("TestAnyVAE"),
                    space=space,
                    points=g.vertices(space, 2),
                    filename_prefix=f"guider{number}",
                )
            )
        )
        made = g.custom(model, conditioning, g("RandomNoise", noise_seed=5), latent)
        noises.append(g.keep(g("SurrogateInvert", guider=guider, sigmas=sigmas, latent=made)[1]))
    g.run()
    for a, b in (pictures, noises):
        assert torch.equal(a.tensor, b.tensor)


def test_clip_score_says_what_is_missing(later):
    g = Graph(later)
    clip, vision = g("TestSmallClip"), g("TestSmallClipVision")
    g(
        "PreviewAny",
        source=g(
            "SurrogateClipScore",
            clip=clip,
            clip_vision=vision,
            text="a",
            images=g("TestImages", shapes="[[1, 8, 8, 3]]"),
        ),
    )
    with pytest.raises(ExecutionFailed, match=r"it has no reset_clip_options.*update the pack"):
        g.run()


# Something is missing.


@pytest.fixture(scope="module")
def lacking(tmp_path_factory):
    """Without a type of input that some nodes have, a name that some files import, and what nobody promised to nodes."""
    folder = copied(
        tmp_path_factory.mktemp("lacking") / "ComfyUI",
        {
            "comfy_api/latest/_io.py": "\n_Noise = Noise\ndel Noise\n",
            "comfy_execution/graph.py": "\ndel ExecutionBlocker\n",
            "comfy/k_diffusion/sampling.py": "\ndel BrownianTreeNoiseSampler\n",
            "comfy/samplers.py": "\nKSAMPLER.max_denoise = Sampler.max_denoise\ndel Sampler.max_denoise\n",
            "comfy/supported_models.py": "\ndel FluxSchnell\n",
            "comfy/utils.py": "\ndel PROGRESS_BAR_ENABLED\n",
            "latent_preview.py": "\ndel get_previewer\n",
        },
        {
            "comfy_extras/nodes_custom_sampler.py": [("io.Noise.", "io._Noise.")],
            "execution.py": [
                ("    ExecutionBlocker,\n", ""),
                ("import nodes\n", "import nodes\nfrom comfy_execution.graph_utils import ExecutionBlocker\n"),
            ],
        },
    )
    with Server("lacking", packs=[TESTKIT], arguments=["--cpu"], comfyui=folder) as server:
        yield Comfy(server, Client(server.url))


def test_a_node_that_lacks_a_name_is_missing_alone_and_the_log_says_why(lacking):
    there, log = set(lacking.client.object_info()), lacking.server.log.read_text("utf-8", "replace")
    gone = {
        "ExecutionBlocker": ["Ask", "Tell", "MatchImage", "PictureStatistics", "ClipScore", "CombineScores"],
        "Noise": ["SeedsFromLatents", "LocateLatent", "Noise"],
    }
    for name, nodes in gone.items():
        (line,) = [line for line in log.splitlines() if line.startswith("ComfyUI-Surrogate") and f"'{name}'" in line]
        assert "update ComfyUI, or if it is newer than the pack, the pack" in line
        for node in nodes:
            assert node in line and f"Surrogate{node}" not in there
    assert {
        f"Surrogate{node}" for node in ("SeedsFromIntegers", "Space", "KSamplerNoise", "RenderPoints", "Search")
    } <= there


def test_what_can_do_without_does(lacking, comfy):
    """Render Points without previews, Invert without core's opinion of the schedule, ancestral samplers without trees."""
    kept = {}
    for version in (comfy, lacking):
        g = Graph(version)
        model, conditioning = g("TestAnyModel", kind="eps", channels=4).outputs(2)
        latent, space = g.latent(1, 4, 8, 8), g.space("12, 99")
        inputs = {
            "guider": g("BasicGuider", model=model, conditioning=conditioning),
            "sigmas": g("BasicScheduler", model=model, scheduler="simple", steps=4, denoise=1.0),
        }
        ancestral = g("KSamplerSelect", sampler_name="euler_ancestral")
        rendered = g(
            "SurrogateRenderPoints",
            **inputs,
            sampler=g("SurrogatePinnedSampler", sampler=ancestral, noise_seed=3),
            latent=latent,
            vae=g("TestAnyVAE"),
            space=space,
            points=g.vertices(space, 2),
            filename_prefix="without",
        )
        inverted = g("SurrogateInvert", **inputs, latent=g.latent(1, 4, 8, 8, fill="normal"))
        kept[version] = [g.keep(rendered), g.keep(inverted[1])]
        g.run()
    for ours, there in zip(kept[lacking], kept[comfy], strict=True):
        assert torch.equal(ours.tensor, there.tensor)
    assert "no previews while a batch is sampled" in lacking.server.log.read_text("utf-8", "replace")


def test_what_cannot_says_so(lacking):
    g = Graph(lacking)
    model, conditioning = g("TestAnyModel", kind="eps", channels=4).outputs(2)
    space, sampler = g.space("12, 99"), g("KSamplerSelect", sampler_name="dpmpp_sde")
    g.keep(
        g(
            "SurrogateRenderPoints",
            guider=g("BasicGuider", model=model, conditioning=conditioning),
            sampler=g("SurrogatePinnedSampler", sampler=sampler, noise_seed=3),
            sigmas=g("BasicScheduler", model=model, scheduler="simple", steps=4, denoise=1.0),
            latent=g.latent(1, 4, 8, 8),
            vae=g("TestAnyVAE"),
            space=space,
            points=g.vertices(space, 2),
        )
    )
    with pytest.raises(ExecutionFailed, match=r"no BrownianTreeNoiseSampler.*Choose an ancestral sampler"):
        g.run()
    g = Graph(lacking)
    g.keep(g("SurrogateDemoModel")[3])
    with pytest.raises(
        ExecutionFailed, match=r"demo model does not fit this ComfyUI.*FluxSchnell.*every other node works"
    ):
        g.run()


LOAD = """
import importlib.util, logging, sys
logging.basicConfig(format="%(message)s", stream=sys.stdout)
root, lacking, table = sys.argv[1:]
sys.modules.update(dict.fromkeys(lacking.split()))  # as if it were not installed
spec = importlib.util.spec_from_file_location("pack", root + "/__init__.py")
pack = sys.modules["pack"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(pack)
try:
    pack.loading.load_nodes(eval(table))
except RuntimeError as error:
    print("RuntimeError:", error)
"""


def loaded(table: str, lacking: str = "") -> list[str]:
    """What the pack says when a Python imports it that has no ComfyUI, line by line."""
    command = [sys.executable, "-c", LOAD, str(ROOT), lacking, table]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT.parent).stdout.splitlines()


def test_a_comfyui_without_the_node_api_gets_one_sentence():
    """It would never ask for our nodes: what it says by itself is that NODE_CLASS_MAPPINGS is missing."""
    first, second, last = loaded(table="{'tools.wires': ('Seeds', 'Space')}")
    assert first == (
        "ComfyUI-Surrogate needs ComfyUI 0.3.52 or newer, and this is an older one: it has no V3 node API (No module named "
        "'comfy_api'), so the pack's nodes are missing. Update ComfyUI, then restart it."
    )
    # Asked nevertheless, one line for all that lack the same.
    assert second == (
        "ComfyUI-Surrogate: nodes missing: Seeds, Space. Reason: No module named 'comfy_api'. The pack is made for ComfyUI "
        "0.3.52 or newer and this is an older one: update ComfyUI, or if it is newer than the pack, the pack."
    )
    assert last == "RuntimeError: none of the pack's nodes could be loaded, for the reasons above"


def test_a_missing_requirement_says_what_to_install():
    _, line, _ = loaded("{'tools.clip_model': ('embedding_of_text',)}", "numpy")
    assert "nodes missing: embedding_of_text. Reason: " in line and "numpy" in line
    assert line.endswith("Install the pack's requirements.txt into ComfyUI's Python, then restart ComfyUI.")
