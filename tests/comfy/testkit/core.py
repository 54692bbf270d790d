"""Looks at core from inside the running server: which names it has, and a guider that has less than core's."""

import importlib
import json

from comfy_api.latest import io


class CoreNames(io.ComfyNode):
    """Those of `names` that this ComfyUI lacks, as JSON.

    A name is a module and what is in it (comfy.utils.ProgressBar), or one of the inputs and what it has (guider.sample).
    """

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestCoreNames",
            category="test",
            inputs=[
                io.String.Input("names"),
                *(io.AnyType.Input(name) for name in ("guider", "sampler", "model", "vae", "clip", "clip_vision")),
            ],
            outputs=[io.String.Output()],
        )

    @classmethod
    def execute(cls, names, **objects):
        return io.NodeOutput(json.dumps([name for name in json.loads(names) if not _has(name, objects)]))


def _has(name: str, objects: dict) -> bool:
    path, *rest = name.split(".")
    try:
        found = objects.get(path) or importlib.import_module(path)
        for part in rest:
            path += f".{part}"
            found = getattr(found, part) if hasattr(found, part) else importlib.import_module(path)
    except ImportError:
        return False
    return True


class BareGuider(io.ComfyNode):
    """A guider of another pack: it has a model and samples, and nothing else that core's guiders have, such as cfg."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestBareGuider",
            category="test",
            inputs=[io.Guider.Input("guider")],
            outputs=[io.Guider.Output()],
        )

    @classmethod
    def execute(cls, guider):
        return io.NodeOutput(_Bare(guider))


class _Bare:
    def __init__(self, guider):
        self.model_patcher, self._inside = guider.model_patcher, guider

    def sample(self, *args, **settings):
        return self._inside.sample(*args, **settings)
