"""Every workflow in a real server: equal to its API twin, runs, and gives the pictures that it promises."""

import io
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dev.client import ExecutionFailed
from dev.workflow_files import FOLDER, WORKFLOWS, asks_a_service, needs, read, twin, version
from surrogate import Seeds, SurrogateSpace, points
from surrogate.pictures import plan_sheet
from surrogate.scores.distances import picture_distances
from surrogate.search import Study

from .graph import Log
from .ui_format import to_prompt, undotted

ROOT = Path(__file__).absolute().parents[2]
PACK = "ComfyUI-Surrogate"


def _files(name: str) -> set[tuple[str, str, str]]:
    """Loader, input and file (below ComfyUI's models folder) for each file that the workflow says it needs."""
    return {
        (node["type"], entry["name"], f"{model['directory']}/{model['name']}")
        for node in read(name)["nodes"]
        for model in node["properties"].get("models", [])
        for entry in node["inputs"]
        if twin(name)[str(node["id"])]["inputs"][entry["name"]] == model["name"]
    }


FILES = {name: _files(name) for name in WORKFLOWS if not name.startswith("demo_")}
# The pictures that they name, in ComfyUI's own folders.
PICTURES = {
    "flux_from_pictures": [f"output/ComfyUI_0000{i}_.png" for i in range(1, 5)],
    "flux_invert_blend": ["input/first.png", "input/second.png"],
}
LONG = 900.0  # seconds; a busy machine is slow


def skip_if_too_old(client, name: str) -> None:
    """For a workflow whose nodes came after this ComfyUI."""
    if version(client.get("/system_stats")["system"]["comfyui_version"]) < needs(name):
        pytest.skip(f"needs ComfyUI {'.'.join(map(str, needs(name)))}")
    if asks_a_service(name):
        pytest.skip("tests/comfy/test_services.py has it: this server has no nodes that ask remote services")


def opened(comfy, file: dict) -> Image.Image:
    picture = Image.open(io.BytesIO(comfy.client.view(file)))
    picture.load()
    return picture


def pixels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.convert("RGB"), dtype=np.int16)


def served(comfy, path: str) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(comfy.server.url + urllib.parse.quote(path), timeout=60) as response:
        return response.read()


def files_of(entry: dict, node: str) -> list[dict]:
    return entry["outputs"][node]["images"]


def node_of(prompt: dict, class_type: str) -> str:
    (found,) = [i for i, node in prompt.items() if node["class_type"] == class_type]
    return found


def alone(prompt: dict, integer: int) -> dict:
    """The same graph with core's RandomNoise in place of ours: the picture of one integer seed."""
    changed = json.loads(json.dumps(prompt))
    sampler, noise = node_of(prompt, "SamplerCustomAdvanced"), node_of(prompt, "SurrogateNoise")
    changed[noise] = {"class_type": "RandomNoise", "inputs": {"noise_seed": integer}}
    changed[sampler]["inputs"]["latent_image"] = prompt[noise]["inputs"]["latent"]
    decoded = [node_of(prompt, "VAEDecode"), 0]
    keep = {"class_type": "SaveImage", "inputs": {"images": decoded, "filename_prefix": f"alone/{integer}"}}
    unwanted = ("SaveImage", "SaveAnimatedWEBP", "RebatchImages", "SurrogateContactSheet")
    return {**{i: node for i, node in changed.items() if node["class_type"] not in unwanted}, "keep": keep}


def plan_of(layout: points.Points, size: tuple[int, int] = (128, 128), **plan):
    """Where the pictures (height, width) of points stand on a contact sheet."""
    axes = layout.axes and {
        "row_labels": layout.axes.row_labels,
        "column_labels": layout.axes.column_labels,
        "row_title": layout.axes.row_title,
        "column_title": layout.axes.column_title,
    }
    shapes = [(*size, 3)] * len(layout)
    return plan_sheet(shapes, marks=layout.marks, layout=layout.layout, **(axes or {}), **plan)


def assert_a_picture(cell: np.ndarray):
    """Not black, not one colour, not noise: neighbouring pixels are alike."""
    assert cell.mean() > 10
    assert cell.std() > 8
    assert np.abs(np.diff(cell, axis=1)).mean() < cell.std()


@pytest.mark.parametrize("name", WORKFLOWS)
def test_the_browser_would_send_the_api_twin(comfy, name):
    skip_if_too_old(comfy.client, name)
    assert undotted(to_prompt(read(name), comfy.client.object_info())) == undotted(twin(name))


def test_the_grid_has_the_seeds_own_pictures_in_its_corners(comfy):
    prompt = twin("demo_grid")
    entry = comfy.client.run(prompt, read("demo_grid"), timeout=LONG)
    (file,) = files_of(entry, node_of(prompt, "SaveImage"))
    assert file["subfolder"] == "surrogate"
    picture = opened(comfy, file)
    # Drop the picture onto the canvas, and the workflow is back.
    assert json.loads(picture.text["workflow"]) == read("demo_grid")

    seeds = [26, 37, 3, 6]
    space = SurrogateSpace(Seeds.from_text("26, 37, 3, 6"))
    grid = points.corners(space)
    plan = plan_of(grid, numbers=False)
    assert picture.size == (plan.width, plan.height)
    sheet = pixels(picture)
    cells = np.array([sheet[y0:y1, x0:x1] for x0, y0, x1, y1 in plan.boxes]).reshape(5, 5, 128, 128, 3)
    for cell in cells.reshape(25, 128, 128, 3):
        assert_a_picture(cell)

    for integer, cell in zip(seeds, (cells[0, 0], cells[0, 4], cells[4, 0], cells[4, 4]), strict=True):
        core = comfy.client.run(alone(prompt, integer), timeout=LONG)
        own = pixels(opened(comfy, files_of(core, "keep")[0]))
        # A batch of 25 and one alone differ by float rounding: at most a level or two. The sheet itself adds nothing.
        assert np.abs(own - cell).max() <= 2

    def distance(a, b):
        return np.abs(a - b).mean()

    corners = [cells[0, 0], cells[0, 4], cells[4, 0], cells[4, 4]]
    apart = [distance(a, b) for i, a in enumerate(corners) for b in corners[:i]]
    steps = [distance(cells[r, c], cells[r, c + 1]) for r in range(5) for c in range(4)]
    assert min(apart) > 15
    assert np.median(steps) < np.median(apart)


def test_drawn_pictures_come_back_in_the_corners_of_their_space(comfy):
    prompt = twin("demo_invert_blend")
    entry = comfy.client.run(prompt, read("demo_invert_blend"), timeout=LONG)
    (file,) = [file for file in comfy.client.images(entry) if file["type"] == "output"]
    page = pixels(opened(comfy, file))
    noises = np.random.default_rng(0).standard_normal((4, 16, 16, 16), dtype=np.float32)
    space = SurrogateSpace(Seeds.from_tensors(torch.from_numpy(noises), [f"scene {i}" for i in range(1, 5)]))
    grid = points.corners(space)
    plan = plan_of(grid, title="Between the noises found for them")
    assert page.shape[0] == plan.height
    sheet = page[:, -plan.width :]  # what was drawn stands on its left
    cells = np.array([sheet[y0:y1, x0:x1] for x0, y0, x1, y1 in plan.boxes]).reshape(5, 5, 128, 128, 3)
    for cell in cells.reshape(25, 128, 128, 3):
        assert_a_picture(cell)

    # What the autoencoder makes of the four, without any noise.
    encode = node_of(prompt, "VAEEncode")
    drawn, vae = prompt[encode]["inputs"]["pixels"], prompt[encode]["inputs"]["vae"]
    kept = ("SurrogateDemoPicture", "ImageBatch", "SurrogateDemoModel", "VAEEncode")
    alone = {i: node for i, node in prompt.items() if node["class_type"] in kept}
    alone["decoded"] = {"class_type": "VAEDecode", "inputs": {"samples": [encode, 0], "vae": vae}}
    for name, images in (("drawn", drawn), ("coded", ["decoded", 0])):
        alone[name] = {"class_type": "SaveImage", "inputs": {"images": images, "filename_prefix": f"alone/{name}"}}
    entry = comfy.client.run(alone, timeout=LONG)
    drawn, coded = (np.array([pixels(opened(comfy, f)) for f in files_of(entry, i)]) for i in ("drawn", "coded"))
    corners = np.array([cells[0, 0], cells[0, 4], cells[4, 0], cells[4, 4]])
    assert np.abs(corners - coded).mean((1, 2, 3)).max() < 0.2  # levels of 255
    assert np.abs(corners - drawn).mean((1, 2, 3)).max() < 5  # what the autoencoder costs


def test_the_walk_is_an_animation_that_loops_through_the_seeds(comfy):
    prompt = twin("demo_path")
    entry = comfy.client.run(prompt, read("demo_path"), timeout=LONG)
    # Batches of 8 come back as one animation, not as five.
    (file,) = files_of(entry, node_of(prompt, "SaveAnimatedWEBP"))
    animation = opened(comfy, file)
    assert (animation.format, animation.size) == ("WEBP", (128, 128))
    assert (animation.n_frames, animation.info["loop"]) == (40, 0)
    frames = []
    for i in range(40):
        animation.seek(i)
        frames.append(pixels(animation))
        assert_a_picture(frames[-1])

    for stop, integer in enumerate([26, 37, 6, 3]):
        core = comfy.client.run(alone(prompt, integer), timeout=LONG)
        own = pixels(opened(comfy, files_of(core, "keep")[0]))
        distances = [np.abs(frame - own).mean() for frame in frames]
        assert int(np.argmin(distances)) == 10 * stop
        assert min(distances) < 4  # what the compression costs

    steps = [np.abs(a - b).mean() for a, b in zip(frames, frames[1:] + frames[:1])]
    apart = [np.abs(a - b).mean() for a, b in zip(frames, frames[20:] + frames[:20])]
    assert steps[-1] < np.median(apart)
    assert np.median(steps) < np.median(apart) / 2


def test_render_points_draws_the_triangle(comfy):
    prompt = twin("demo_render")
    entry = comfy.client.run(prompt, read("demo_render"), timeout=LONG)
    files = files_of(entry, node_of(prompt, "SurrogateRenderPoints"))
    assert len(files) == 21
    assert all(file["filename"].endswith(f"_{i:05d}.png") for i, file in enumerate(files, 1))
    pictures = [pixels(opened(comfy, file)) for file in files]
    (sheet_file,) = files_of(entry, node_of(prompt, "SaveImage"))
    sheet = pixels(opened(comfy, sheet_file))

    space = SurrogateSpace(Seeds.from_text("26, 37, 3, 6"))
    triangle = points.slice_through(space, (1, 3, 4), 6)
    plan = plan_of(
        triangle,
        captions=[None if mark else label for mark, label in zip(triangle.marks, triangle.labels)],
        numbers=False,
    )
    assert sheet.shape == (plan.height, plan.width, 3)
    for picture, (x0, y0, x1, y1) in zip(pictures, plan.boxes, strict=True):
        assert_a_picture(picture)
        assert np.array_equal(sheet[y0:y1, x0:x1], picture)
    assert [mark for mark in triangle.marks if mark] == ["seed 26", "seed 3", "seed 6"]


def test_a_turbo_model_s_pictures_change_with_the_prompt_and_not_with_the_noise(comfy):
    log = Log(comfy)
    entry = comfy.client.run(twin("demo_turbo"), read("demo_turbo"), timeout=LONG)
    apart = [picture_distances([pixels(opened(comfy, file)).astype(np.uint8) for file in files_of(entry, node)])
             for node in ("9", "11")]  # fmt: skip
    by_noise, by_prompt = (np.median(one[np.triu_indices(9, 1)]) for one in apart)
    assert by_noise < 0.025
    assert by_prompt > 0.05
    # Of the first nine the node says so; it has nothing to say of the others.
    assert log.wait_for("connect Surrogate Carrier between the guider and this node")
    assert log.text().count("These 9 pictures are nearly equal") == 1


def test_the_search_finds_what_is_more_like_the_target_than_every_seed(comfy):
    prompt = twin("demo_search")
    entry = comfy.client.run(prompt, read("demo_search"), timeout=LONG)
    (file,) = files_of(entry, node_of(prompt, "SaveImage"))
    page = pixels(opened(comfy, file))
    assert page.shape[1] > 900 and page.shape[0] > 2000
    study = Study.load(comfy.server.base / "user" / "surrogate_studies.db", "demo search")
    rows = study.history()
    assert (rows.known.sum(), (~rows.known).sum()) == (6, 96)
    assert np.isfinite(rows.scores).all()
    seeds, found = rows.scores[rows.known].max(), rows.scores[~rows.known].max()
    assert found > seeds
    assert np.median(rows.scores[-32:]) > np.median(rows.scores[6:38])
    files = {path.suffix for path in (comfy.server.base / "output" / "surrogate").glob("demo_search_points_*")}
    assert files == {".csv", ".json"}


def test_the_adaptive_search_leaves_its_seeds_far_behind(comfy):
    prompt = twin("demo_adaptive")
    entry = comfy.client.run(prompt, read("demo_adaptive"), timeout=LONG)
    (file,) = files_of(entry, node_of(prompt, "SaveImage"))
    page = pixels(opened(comfy, file))
    assert page.shape[1] > 900 and page.shape[0] > 2000
    rows = Study.load(comfy.server.base / "user" / "surrogate_studies.db", "demo adaptive").history()
    assert (rows.known.sum(), (~rows.known).sum()) == (6, 128)
    assert np.isfinite(rows.scores).all() and all(seen is not None for seen in rows.glimpses)
    distances = -rows.scores[:, 0]  # of Match Image
    assert distances.min() < 0.7 * distances[rows.known].min()
    assert np.median(distances[-32:]) < 0.8 * distances[:16].min()  # of the scouting
    files = {path.suffix for path in (comfy.server.base / "output" / "surrogate").glob("demo_adaptive_points_*")}
    assert files == {".csv", ".json"}


def test_the_scout_finds_seeds_and_the_search_goes_beyond_them(comfy):
    prompt = twin("demo_scout_search")
    entry = comfy.client.run(prompt, read("demo_scout_search"), timeout=LONG)
    (file,) = files_of(entry, node_of(prompt, "SaveImage"))
    page = pixels(opened(comfy, file))
    assert page.shape[1] > 900 and page.shape[0] > 2000
    database = comfy.server.base / "user" / "surrogate_studies.db"
    scouted = Study.load(database, "demo scout · scouting").history()
    rows = Study.load(database, "demo scout").history()
    assert len(scouted.scores) == 32
    assert (rows.known.sum(), (~rows.known).sum()) == (8, 64)
    assert np.isfinite(scouted.scores).all() and np.isfinite(rows.scores).all()
    assert set(rows.scores[rows.known].ravel()) < set(scouted.scores.ravel())
    assert rows.scores[~rows.known].max() > scouted.scores.max()
    files = {path.suffix for path in (comfy.server.base / "output" / "surrogate").glob("demo_scout_search_points_*")}
    assert files == {".csv", ".json"}


def test_one_run_of_ask_and_tell_is_the_whole_search(comfy):
    prompt = twin("demo_ask_tell")
    first = comfy.client.run(prompt, read("demo_ask_tell"), timeout=LONG)
    assert all(image["type"] == "temp" for image in comfy.client.images(first))
    last = last_run(comfy, "demo ask and tell")
    best, page = [i for i in comfy.client.images(last) if i["type"] == "output"]
    assert_a_picture(pixels(opened(comfy, best)))
    assert pixels(opened(comfy, page)).shape[0] > 2000
    # The sun where the formula wants it, near a quarter from the left.
    report = comfy.client.get("/surrogate/study", name="demo ask and tell")
    assert report["evaluated"] == 64 and report["failed"] == 0
    study = Study.load(comfy.server.base / "user" / "surrogate_studies.db", "demo ask and tell")
    scores = study.history().scores[:, 0]
    assert scores.max() > np.median(scores[:8])


def test_drafts_make_many_candidates_of_a_budget(comfy):
    prompt = twin("demo_drafts")
    (study,) = (node["inputs"] for node in prompt.values() if node["class_type"] == "SurrogateStudy")
    study["budget"] = 40
    comfy.client.run(prompt, read("demo_drafts"), timeout=LONG)
    (page,) = [i for i in comfy.client.images(last_run(comfy, "demo drafts")) if i["type"] == "output"]
    assert pixels(opened(comfy, page)).shape[0] > 2000
    rows = Study.load(comfy.server.base / "user" / "surrogate_studies.db", "demo drafts").history()
    finished = ~rows.drafted
    assert len(rows) > 60 and 16 <= finished.sum() < 40 and np.isfinite(rows.scores[finished]).all()
    # What is finished is better than what chance gives, and gets better.
    scores = rows.scores[finished, 0]
    assert np.median(scores[-8:]) > np.median(scores[:8])


def last_run(comfy, study: str) -> dict:
    """The history entry of the prompt with which a study ended that repeats itself."""
    deadline = time.monotonic() + LONG
    while not comfy.client.get("/surrogate/study", name=study)["finished"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    while any(comfy.client.get("/queue").values()):
        time.sleep(0.1)
    return max(comfy.client.get("/history").values(), key=lambda entry: entry["prompt"][0])


def refused(comfy, prompt: dict) -> dict:
    """What ComfyUI finds wrong, by node. It runs what needs no such node: Seeds from Pictures shows what it found."""
    try:
        answer = comfy.client.post("/prompt", {"prompt": prompt})
    except urllib.error.HTTPError as error:
        return json.loads(error.read())["node_errors"]
    comfy.client.wait(answer["prompt_id"], LONG)
    return answer["node_errors"]


@pytest.fixture
def pictures(comfy, name):
    """The pictures that the workflow names, each with the prompt of a noise of its own inside."""
    paths = [comfy.server.base / file for file in PICTURES.get(name, [])]
    for i, path in enumerate(paths):
        made = {
            "1": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
            "2": {"class_type": "KSampler", "inputs": {"seed": i, "denoise": 1.0, "latent_image": ["1", 0]}},
            "3": {"class_type": "VAEDecode", "inputs": {"samples": ["2", 0]}},
            "4": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "ComfyUI"}},
        }
        info = PngInfo()
        info.add_text("prompt", json.dumps(made))
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (64, 64)).save(path, pnginfo=info)
    yield
    for path in paths:
        path.unlink()


@pytest.mark.usefixtures("pictures")
@pytest.mark.parametrize("name", FILES)
def test_only_the_model_files_are_missing(comfy, name):
    skip_if_too_old(comfy.client, name)
    found = {
        (errors["class_type"], error["extra_info"]["input_name"]): error["type"]
        for errors in refused(comfy, twin(name)).values()
        for error in errors["errors"]
    }
    assert found == {(loader, entry): "value_not_in_list" for loader, entry, _ in FILES[name]}


@pytest.mark.usefixtures("pictures")
@pytest.mark.parametrize("name", FILES)
def test_with_the_files_in_place_the_graph_is_valid(comfy, name):
    """Empty files of the right names in the right folders: accepted, and the first error is that they are empty."""
    skip_if_too_old(comfy.client, name)
    paths = {comfy.server.base / "models" / file for _, _, file in FILES[name]}  # one file may be several nodes'
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(exist_ok=False)
    try:
        with pytest.raises(ExecutionFailed) as failed:
            comfy.client.wait(comfy.client.queue(twin(name)), LONG)
        assert failed.value.node_type in {loader for loader, _, _ in FILES[name]}
    finally:
        for path in paths:
            path.unlink()


def test_the_template_browser_lists_and_opens_them(comfy):
    titles = {path.stem for path in WORKFLOWS.values()}
    assert set(comfy.client.get("/api/workflow_templates")[PACK]) == titles
    for title in titles:
        address = f"/api/workflow_templates/{PACK}/{title}"
        assert served(comfy, f"{address}.json") == (FOLDER / f"{title}.json").read_bytes()
        thumbnail = served(comfy, f"{address}.jpg")
        assert Image.open(io.BytesIO(thumbnail)).format == "JPEG"


def test_every_node_has_a_help_page_that_names_all_its_inputs(comfy):
    ours = {
        node: description
        for node, description in comfy.client.object_info().items()
        if description["python_module"] == f"custom_nodes.{PACK}"
    }
    assert len(ours) >= 20
    pages = {path.stem for path in (ROOT / "web" / "docs").glob("*.md")}
    assert pages == set(ours)
    for node, description in ours.items():
        page = served(comfy, f"/extensions/{PACK}/docs/{node}.md").decode("utf-8")
        names = [name for kind in ("required", "optional") for name in description["input"].get(kind, {})]
        missing = [name for name in (*names, *description["output_name"]) if f"`{name}`" not in page]
        assert not missing, f"{node}: the help page does not name {', '.join(missing)}"
        first = next(line for line in page.splitlines() if line and not line.startswith("<!--"))
        assert first.endswith((".", ":")) and not first.startswith("#"), f"{node}: begins with what it is for"
        assert "## What to connect" in page
