"""One family of diffusion models of core's own class, and how to build it with few and random weights in any version."""

from __future__ import annotations

import dataclasses
import importlib
from dataclasses import dataclass, field

import comfy.ops
import comfy.supported_models
import torch

TOKENS = 6
# Where the networks' parameters are declared, by what core's detection calls the network. Versions add fields to them.
PARAMETERS = {
    "flux": "comfy.ldm.flux.model.FluxParams",
    "flux2": "comfy.ldm.flux.model.FluxParams",
    "chroma": "comfy.ldm.chroma.model.ChromaParams",
    "chroma_radiance": "comfy.ldm.chroma_radiance.model.ChromaRadianceParams",
    "hunyuan_video": "comfy.ldm.hunyuan_video.model.HunyuanVideoParams",
}


@dataclass(frozen=True)
class Family:
    """How to build one.

    core : the class in `comfy.supported_models`
    config : its `unet_config`
    width : of the text tokens
    also : what else stands in a conditioning of this family; each value a shape for random numbers, or the thing itself
    weights : what `get_model` reads from the checkpoint beside the network's own weights: name -> shape
    metadata : of a checkpoint file, for core's detection
    fixed : more of the `unet_config`, whose values core's class would set to those of the real model
    newer : more of the `unet_config`, for versions whose network knows it
    small : parts of the network whose size core fixes: name -> (class, its arguments), small ones of the same class
    """

    core: str
    config: dict
    width: int
    also: dict = field(default_factory=dict)
    weights: dict = field(default_factory=dict)
    metadata: dict = field(default_factory=dict)
    fixed: dict = field(default_factory=dict)
    newer: dict = field(default_factory=dict)
    small: dict = field(default_factory=dict)

    @property
    def known(self) -> bool:
        """Whether this ComfyUI has it."""
        return hasattr(comfy.supported_models, self.core)

    def build(self):
        """The model, with the same random weights each time."""
        config = getattr(comfy.supported_models, self.core)(self._settings())
        config.unet_config |= self.fixed
        config.set_inference_dtype(torch.float32, None)
        beside = {key: torch.empty(shape) for key, shape in self.weights.items()}
        _fill(beside)
        model = config.get_model(dict(beside), "", device=torch.device("cpu"))
        for name, (kind, arguments) in self.small.items():
            part = _named(kind)(**arguments, operations=comfy.ops.disable_weight_init)
            setattr(model.diffusion_model, name, part.eval())
        # Core leaves its weights uninitialised for a checkpoint to fill.
        _fill(model.diffusion_model.state_dict())
        return model

    def conditioning(self) -> list:
        """One prompt of random tokens, with all that a conditioning of this family has."""
        generator = torch.Generator().manual_seed(3)
        tokens = torch.randn(1, TOKENS, self.width, generator=generator)
        also = {
            name: torch.randn(value, generator=generator) if isinstance(value, tuple) else value
            for name, value in {"pooled_output": None, **self.also}.items()
        }
        return [[tokens, also]]

    def _settings(self) -> dict:
        """The `unet_config`, completed by what this version's network asks for: as core's detection writes "not there"."""
        declared = PARAMETERS.get(self.config.get("image_model"))
        if declared is None:
            return {**self.config, **self.newer}
        fields = {one.name: one for one in dataclasses.fields(_named(declared))}
        config = {**self.config, **{name: value for name, value in self.newer.items() if name in fields}}
        missing = [
            one
            for one in fields.values()
            if one.name not in config and one.default is one.default_factory is dataclasses.MISSING
        ]
        return config | {one.name: _absent(one.type) for one in missing}


def _absent(kind):
    """What core's detection writes into a field of this type for a checkpoint that lacks the part."""
    name = getattr(kind, "__name__", str(kind))
    return {"bool": False, "list": [], "list[int]": []}.get(name)


def _named(path: str):
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def _fill(tensors: dict[str, torch.Tensor]) -> None:
    generator = torch.Generator().manual_seed(1)
    for name, tensor in sorted(tensors.items()):
        if not tensor.is_floating_point():
            continue
        if tensor.ndim == 1 and ("norm" in name or name.endswith("scale")) and not name.endswith("bias"):
            tensor.fill_(1.0)
        else:
            tensor.normal_(
                0.0, 0.05 if tensor.ndim < 2 else (tensor.numel() / len(tensor)) ** -0.5, generator=generator
            )
