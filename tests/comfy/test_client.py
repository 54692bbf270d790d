"""The client and the server of the demo and of these tests, against a real ComfyUI."""

import io
import json
import threading

import pytest
from PIL import Image

from dev.client import ExecutionFailed, ExecutionInterrupted, PromptRejected
from dev.server import Server, ServerFailed

EMPTY = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 48, "height": 32, "batch_size": 2, "color": 0xFF8000}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "sub folder/ünï"}},
}


def test_a_prompt_is_followed_to_its_pictures(comfy):
    seen = []
    workflow = {"nodes": [], "version": 0.4, "surprise": "é"}
    entry = comfy.client.run(EMPTY, workflow, on_progress=lambda p: seen.append((p.node_type, p.fraction)))
    assert next(node for node, _ in seen if node) == "EmptyImage"
    assert seen[-1][1] == 1.0
    assert [fraction for _, fraction in seen] == sorted(fraction for _, fraction in seen)
    pictures = comfy.client.images(entry)
    assert pictures == comfy.client.images(entry, "2") and len(pictures) == 2
    assert comfy.client.images(entry, "1") == []
    image = Image.open(io.BytesIO(comfy.client.view(pictures[1])))
    assert image.size == (48, 32) and image.getpixel((5, 5)) == (255, 128, 0)
    assert json.loads(image.text["workflow"]) == workflow
    assert json.loads(image.text["prompt"]) == EMPTY


def test_nodes_from_the_cache_count_as_finished(comfy):
    prompt = {**EMPTY, "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}}
    seen = []
    comfy.client.run(prompt)
    comfy.client.run(prompt, on_progress=lambda p: seen.append(sorted(p.finished)))
    assert seen[0] == ["1", "2"]


def test_queue_and_wait(comfy):
    first = comfy.client.queue(EMPTY)
    second = comfy.client.queue({"1": EMPTY["1"], "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}})
    assert first != second
    assert comfy.client.images(comfy.client.wait(second))[0]["type"] == "temp"
    assert comfy.client.images(comfy.client.wait(first))[0]["subfolder"] == "sub folder"
    assert comfy.client.history("no such prompt") is None


def test_a_rejected_prompt_names_node_and_input(comfy):
    wrong = {**EMPTY, "1": {"class_type": "EmptyImage", "inputs": {**EMPTY["1"]["inputs"], "width": -5}}}
    with pytest.raises(PromptRejected, match=r"node 1 \(EmptyImage\): .*width") as caught:
        comfy.client.run(wrong)
    assert caught.value.node_errors["1"]["errors"][0]["type"] == "value_smaller_than_min"
    with pytest.raises(PromptRejected) as caught:
        comfy.client.run({"1": EMPTY["1"]})
    assert caught.value.error["type"] == "prompt_no_outputs" and caught.value.node_errors == {}
    with pytest.raises(PromptRejected, match="NoSuchNode"):
        comfy.client.queue({"1": {"class_type": "NoSuchNode", "inputs": {}}})


def test_a_node_that_raises_is_named_whether_followed_or_awaited(comfy):
    prompt = {
        "7": {"class_type": "KarrasScheduler", "inputs": {"steps": 4, "sigma_max": 9.0, "sigma_min": 0.1, "rho": 0.0}},
        "8": {"class_type": "PreviewAny", "inputs": {"source": ["7", 0]}},
    }
    with pytest.raises(ExecutionFailed, match=r"node 7 \(KarrasScheduler\): .*zero") as caught:
        comfy.client.run(prompt)
    assert caught.value.node_id == "7" and caught.value.exception_type == "ZeroDivisionError"
    assert any("karras" in line for line in caught.value.data["traceback"])
    with pytest.raises(ExecutionFailed, match="node 7"):
        comfy.client.wait(comfy.client.queue(prompt))
    comfy.client.run(EMPTY)  # and the server goes on


def test_an_interrupt_is_told_apart_from_a_failure(comfy, root):
    prompt = json.loads((root / "demo" / "api" / "demo_grid.json").read_text("utf-8"))
    (scheduler,) = (node for node in prompt.values() if node["class_type"] == "BasicScheduler")
    scheduler["inputs"]["steps"] = 10_000  # far longer than the test may take
    steps = []

    def stop(progress):
        if progress.maximum == 10_000:
            steps.append(progress.value)
            if len(steps) == 1:
                threading.Thread(target=comfy.client.interrupt).start()

    with pytest.raises(ExecutionInterrupted) as caught:
        comfy.client.run(prompt, on_progress=stop, timeout=120)
    assert caught.value.node_type == "SamplerCustomAdvanced"
    assert 1 <= len(steps) < 1000
    comfy.client.run(EMPTY)


def test_a_prompt_that_takes_too_long_raises(comfy, root):
    prompt = json.loads((root / "demo" / "api" / "demo_grid.json").read_text("utf-8"))
    (scheduler,) = (node for node in prompt.values() if node["class_type"] == "BasicScheduler")
    scheduler["inputs"]["steps"] = 9_999
    with pytest.raises(TimeoutError, match="not finished within 2 seconds"):
        comfy.client.run(prompt, timeout=2)
    comfy.client.interrupt()
    comfy.client.run(EMPTY)


def test_the_server_keeps_to_its_own_folders(comfy):
    arguments = comfy.client.get("/system_stats")["system"]["argv"]
    assert str(comfy.server.base) in arguments
    assert " " in comfy.server.base.name and "ü" in comfy.server.base.name
    assert sorted(path.name for path in (comfy.server.base / "custom_nodes").iterdir()) == [
        "ComfyUI-Surrogate",
        "testkit",
    ]
    assert comfy.server.url.startswith("http://127.0.0.1:")
    assert "Starting server" in comfy.server.log.read_text("utf-8")


def test_all_nodes_of_the_pack_are_described(comfy):
    ours = {name: node for name, node in comfy.client.object_info().items() if name.startswith("Surrogate")}
    assert len(ours) > 5
    name, node = next(iter(ours.items()))
    assert comfy.client.object_info(name) == {name: node}


def test_a_server_that_dies_says_why():
    with pytest.raises(ServerFailed, match=r"(?s)ended by itself \(exit status 2\).*unrecognized arguments: --no-such"):
        Server("dies", arguments=["--cpu", "--no-such-option"]).__enter__()


def test_a_pack_that_cannot_be_loaded_is_named(tmp_path):
    broken = tmp_path / "broken pack"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise RuntimeError('on purpose')\n", "utf-8")
    server = Server("broken", packs=[broken], arguments=["--cpu"])
    with pytest.raises(ServerFailed, match=r"(?s)could not load broken pack .*on purpose") as caught:
        server.__enter__()
    assert "torchaudio" not in str(caught.value)  # nothing about what else is missing
    assert not server.base.exists()
    assert server.process is None
