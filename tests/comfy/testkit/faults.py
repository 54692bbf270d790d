"""Nodes and scores that fail, wait, or are made up, at the moment that a test chooses.

What they do stands in <name>.json in the output folder. It is not an input, so that the graph stays the same.
"""

import json
import time
from pathlib import Path

import comfy.model_management
import folder_paths
from comfy_api.latest import io


class Orders:
    """What the test wants to happen now."""

    def __init__(self, name: str):
        self.file = Path(folder_paths.get_output_directory()) / f"{name}.json"

    def read(self) -> dict:
        return json.loads(self.file.read_text()) if self.file.exists() else {}

    def wait(self) -> None:
        """Says so in <name>.waiting, until the orders say otherwise, or Cancel is pressed."""
        waiting = self.file.with_suffix(".waiting")
        while self.read().get("wait"):
            waiting.touch()
            comfy.model_management.throw_exception_if_processing_interrupted()
            time.sleep(0.01)
        waiting.unlink(missing_ok=True)


class Faulty(io.ComfyNode):
    """Passes values on, such as scores. Orders: "wait", "error" (raised), "values" (given instead)."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestFaulty",
            category="test",
            inputs=[io.AnyType.Input("values"), io.String.Input("name")],
            outputs=[io.AnyType.Output(is_output_list=True)],
            is_input_list=True,
        )

    @classmethod
    def execute(cls, values, name):
        orders = Orders(name[0])
        orders.wait()
        now = orders.read()
        if "error" in now:
            raise RuntimeError(now["error"])
        return io.NodeOutput(now.get("values", values))


class FaultyScorer(io.ComfyNode):
    """The brightness of a picture, for the Search node.

    Orders: "raise_above" and "nan_above" a brightness, "wait" once "after" pictures were scored.
    """

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestFaultyScorer",
            category="test",
            inputs=[io.String.Input("name")],
            outputs=[io.Custom("SURROGATE_SCORER").Output()],
        )

    @classmethod
    def execute(cls, name):
        orders, scored = Orders(name), []

        def scorer(images):
            now = orders.read()
            if len(scored) >= now.get("after", 0):
                orders.wait()
            score = images.double().mean(dim=(1, 2, 3))
            scored.append(score)
            if score.max() > now.get("raise_above", 1.0):
                raise RuntimeError("this picture hurts my eyes")
            return score * float("nan") if score.max() > now.get("nan_above", 1.0) else score

        return io.NodeOutput(scorer)
