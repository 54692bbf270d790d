"""Models of every family that this ComfyUI knows, as nodes: built, or written to a file for core's loaders."""

import json
from pathlib import Path

import comfy.model_management
import comfy.model_patcher
import folder_paths
import safetensors.torch
import torch
from comfy_api.latest import io

from .families import FAMILIES
from .left_out import forgotten
from .newer_families import NEWER

KNOWN = {name: family for name, family in (FAMILIES | NEWER).items() if family.known}


class FamilyModel(io.ComfyNode):
    """A model of the family, and a conditioning with all that its kind has; described by the classes that have no family."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestFamily",
            category="test",
            description=" ".join(forgotten((FAMILIES | NEWER).values())),
            inputs=[io.Combo.Input("family", options=list(KNOWN))],
            outputs=[io.Model.Output(), io.Conditioning.Output()],
        )

    @classmethod
    def execute(cls, family):
        offload = comfy.model_management.unet_offload_device()
        model = comfy.model_patcher.ModelPatcher(
            KNOWN[family].build(), load_device=comfy.model_management.get_torch_device(), offload_device=offload
        )
        return io.NodeOutput(model, KNOWN[family].conditioning())


class FamilyPrompt(io.ComfyNode):
    """The same conditioning without the model."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestFamilyPrompt",
            category="test",
            inputs=[io.Combo.Input("family", options=list(KNOWN))],
            outputs=[io.Conditioning.Output()],
        )

    @classmethod
    def execute(cls, family):
        return io.NodeOutput(KNOWN[family].conditioning())


class Changed(io.ComfyNode):
    """What is not the same in two conditionings of one entry, as JSON: names, and of tensors how many values differ."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestChanged",
            category="test",
            inputs=[io.Conditioning.Input("before"), io.Conditioning.Input("after")],
            outputs=[io.String.Output()],
        )

    @classmethod
    def execute(cls, before, after):
        ((old, new),) = zip(
            *[[{"tokens": tokens, **more} for tokens, more in one] for one in (before, after)], strict=True
        )
        differ = {name: _share(old.get(name), new.get(name)) for name in sorted({*old, *new})}
        return io.NodeOutput(json.dumps({name: share for name, share in differ.items() if share}))


def _share(old, new) -> float:
    """The share of values that differ at every point of the batch."""
    if not isinstance(old, torch.Tensor) or not isinstance(new, torch.Tensor):
        return float(old is not new)
    return float((new != old).all(dim=0).float().mean())


class FamilyFile(io.ComfyNode):
    """Writes the same model to a file for core's loaders, and says its name."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestFamilyFile",
            category="test",
            inputs=[io.Combo.Input("family", options=list(KNOWN))],
            outputs=[io.String.Output()],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, family):
        folder = Path(folder_paths.get_folder_paths("diffusion_models")[0])
        folder.mkdir(parents=True, exist_ok=True)
        weights = KNOWN[family].build().diffusion_model.state_dict()
        safetensors.torch.save_file(weights, folder / f"{family}.safetensors", KNOWN[family].metadata)
        return io.NodeOutput(f"{family}.safetensors")
