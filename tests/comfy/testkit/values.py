"""Values made to order, for inputs that no stock node gives."""

import json

import torch
from comfy_api.latest import io


class MadeLatent(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestLatent",
            category="test",
            inputs=[
                io.String.Input("shape", default="[1, 4, 8, 8]", tooltip="With the batch; a list of them is nested."),
                io.Combo.Input("dtype", options=["float32", "float16", "bfloat16"], default="float32"),
                io.Combo.Input("fill", options=["zeros", "normal", "nan", "uniform"], default="zeros"),
                io.Int.Input("number", default=0),
                io.Boolean.Input("masked", default=False, tooltip="With a noise_mask over the left half."),
                io.Boolean.Input(
                    "mask_each", default=False, tooltip="A mask for each sample, of more and more columns."
                ),
                io.Int.Input("masks", default=0, tooltip="So many of these masks; of a clip they are of its frames."),
            ],
            outputs=[io.Latent.Output()],
        )

    @classmethod
    def execute(cls, shape, dtype, fill, number, masked, mask_each=False, masks=0):
        shape = json.loads(shape)
        shapes = shape if isinstance(shape[0], list) else [shape]
        generator = torch.Generator().manual_seed(number)
        parts = []
        for one in shapes:
            part = torch.zeros(one)
            if fill == "normal":
                part.normal_(generator=generator)
            elif fill == "uniform":
                part.uniform_(generator=generator)
            elif fill == "nan":
                part.flatten()[number] = float("nan")
            parts.append(part.to(getattr(torch, dtype)))
        latent = {"samples": _together(parts) if shape is shapes else parts[0]}
        if masked or mask_each or masks:
            made = [_mask(part, masks or len(part), mask_each) if masks or mask_each else _half(part) for part in parts]
            latent["noise_mask"] = _together(made) if shape is shapes else made[0]
        return io.NodeOutput(latent)


def _together(parts: list):
    from comfy.nested_tensor import NestedTensor  # newer than 0.3.52

    return NestedTensor(parts)


def _half(part: torch.Tensor) -> torch.Tensor:
    """(1, height, width), the left half."""
    mask = torch.zeros(1, *part.shape[-2:])
    mask[..., : mask.shape[-1] // 2] = 1.0
    return mask


def _mask(part: torch.Tensor, count: int, each: bool) -> torch.Tensor:
    """(n, height, width) with one column more for each; with `each` of a clip (n, 1, frames, height, width)."""
    mask = torch.zeros(count, *part.shape[-2:])
    for i, one in enumerate(mask):
        one[:, : i + 1] = 1.0
    return mask[:, None, None].expand(-1, 1, part.shape[2], -1, -1).clone() if each and part.ndim == 5 else mask


class MaskOf(io.ComfyNode):
    """The noise mask of a LATENT, as a LATENT that TestKeep can write."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestMaskOf",
            category="test",
            inputs=[io.Latent.Input("latent")],
            outputs=[io.Latent.Output()],
        )

    @classmethod
    def execute(cls, latent):
        return io.NodeOutput({"samples": latent["noise_mask"]})


class PartOf(io.ComfyNode):
    """One part of a LATENT of several, as core's LTXVSeparateAVLatent gives it in newer versions."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestPart",
            category="test",
            inputs=[io.Latent.Input("latent"), io.Int.Input("index", default=0)],
            outputs=[io.Latent.Output()],
        )

    @classmethod
    def execute(cls, latent, index):
        return io.NodeOutput({"samples": latent["samples"].unbind()[index]})


class JoinedParts(io.ComfyNode):
    """Two LATENTs as one of two parts, as core's LTXVConcatAVLatent gives it in newer versions."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestJoin",
            category="test",
            inputs=[io.Latent.Input("first"), io.Latent.Input("second")],
            outputs=[io.Latent.Output()],
        )

    @classmethod
    def execute(cls, first, second):
        return io.NodeOutput({"samples": _together([first["samples"], second["samples"]])})


class MadeImages(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestImages",
            category="test",
            inputs=[io.String.Input("shapes", tooltip="A list of batches, each (n, height, width, channels).")],
            outputs=[io.Image.Output(is_output_list=True)],
        )

    @classmethod
    def execute(cls, shapes):
        generator = torch.Generator().manual_seed(0)
        return io.NodeOutput([torch.rand(shape, generator=generator) for shape in json.loads(shapes)])


class MadeNumbers(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestNumbers",
            category="test",
            inputs=[io.String.Input("numbers", default="[0.5]")],
            outputs=[io.Float.Output(is_output_list=True)],
        )

    @classmethod
    def execute(cls, numbers):
        return io.NodeOutput(json.loads(numbers))


class MadeText(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestText",
            category="test",
            inputs=[io.String.Input("text"), io.AnyType.Input("after", optional=True, tooltip="Waits for it.")],
            outputs=[io.String.Output()],
        )

    @classmethod
    def execute(cls, text, after=None):
        return io.NodeOutput(text)
