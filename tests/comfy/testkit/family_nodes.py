"""Models of every family that this ComfyUI knows, as nodes: built, or written to a file for core's loaders."""

from pathlib import Path

import comfy.model_management
import comfy.model_patcher
import folder_paths
import safetensors.torch
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
