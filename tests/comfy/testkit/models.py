"""Models that are small enough to render a thousand pictures in a test."""

import comfy.conds
import comfy.latent_formats
import comfy.model_base
import comfy.model_management
import comfy.model_patcher
import comfy.supported_models
import comfy.supported_models_base
import torch
from comfy_api.latest import io

CONTEXT = 64
UNET = {
    "image_size": 32,
    "in_channels": 4,
    "out_channels": 4,
    "model_channels": 32,
    "num_res_blocks": [1],
    "channel_mult": [1],
    "transformer_depth": [1],
    "transformer_depth_output": [1, 1],
    "transformer_depth_middle": 1,
    "use_spatial_transformer": True,
    "context_dim": CONTEXT,
    "adm_in_channels": None,
    "use_linear_in_transformer": False,
    "use_temporal_attention": False,
    "legacy": False,
}


class SmallUNet(io.ComfyNode):
    """Stable Diffusion 1.5 as core builds it, of 0.4 million parameters: an eps model with a real UNet."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestSmallUNet",
            category="test",
            inputs=[],
            outputs=[io.Model.Output(), io.Conditioning.Output(), io.Conditioning.Output()],
        )

    @classmethod
    def execute(cls):
        config = comfy.supported_models.SD15(UNET)
        model = _patcher(config)
        # Core leaves its weights uninitialised for a checkpoint to fill.
        generator = torch.Generator().manual_seed(1)
        for name, weight in sorted(model.model.diffusion_model.named_parameters()):
            if "norm" in name and name.endswith("weight"):
                weight.data.fill_(1.0)
            else:
                weight.data.normal_(0.0, 0.05, generator=generator)
        return io.NodeOutput(model, _conditioning(2), _conditioning(3))


class AnyModel(io.ComfyNode):
    """A model for latents of any rank: what it predicts depends on each value, its neighbour, time and prompt."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestAnyModel",
            category="test",
            inputs=[
                io.Combo.Input("kind", options=["eps", "flow"], default="flow"),
                io.Int.Input("channels", default=4),
                io.Boolean.Input("video", default=False),
                io.Int.Input("prompt", default=0),
            ],
            outputs=[io.Model.Output(), io.Conditioning.Output()],
        )

    @classmethod
    def execute(cls, kind, channels, video, prompt):
        config = _AnyConfig({}, kind, channels, 3 if video else 2)
        return io.NodeOutput(_patcher(config), _conditioning(prompt))


class _AnyConfig(comfy.supported_models_base.BASE):
    unet_extra_config = {}
    memory_usage_factor = 0.01

    def __init__(self, unet_config, kind, channels, dimensions):
        super().__init__(unet_config)
        self.kind = comfy.model_base.ModelType[kind.upper()]
        self.latent_format.latent_channels = channels
        self.latent_format.latent_dimensions = dimensions
        # Only a server that runs with a preview method uses them.
        self.latent_format.latent_rgb_factors = [[0.3, 0.2, -0.1]] * channels
        if kind == "flow":
            self.sampling_settings = {"shift": 1.0, "multiplier": 1000}

    def get_model(self, state_dict, prefix="", device=None):
        return _AnyModel(self, model_type=self.kind, device=device, unet_model=_AnyNetwork)


class _AnyModel(comfy.model_base.BaseModel):
    def extra_conds(self, latent_shapes=None, **settings):
        conditions = super().extra_conds(**settings)
        if latent_shapes is not None and len(latent_shapes) > 1:
            # As core's own models of film with sound: the network gets the parts, not all in one tensor.
            conditions["latent_shapes"] = comfy.conds.CONDConstant(latent_shapes)
        return conditions


class _AnyNetwork(torch.nn.Module):
    def __init__(self, dtype=torch.float32, device=None, operations=None):
        super().__init__()
        self.dtype = dtype
        self.scales = torch.nn.Parameter(torch.tensor([0.7, 0.4, 0.3], dtype=dtype, device=device))

    def forward(self, x, timesteps, context=None, **_):
        if isinstance(x, list):  # the parts of a nested latent
            return [self(part, timesteps, context) for part in x]
        own, neighbour, time = self.scales
        t = timesteps.reshape(-1, *[1] * (x.ndim - 1)) / 1000
        said = context.mean(dim=(1, 2)).reshape(t.shape)
        return torch.sin(own * x + neighbour * x.roll(1, -1) + time * t + said)


class AnyVAE(io.ComfyNode):
    """Decodes the first three channels of any latent to pictures of the same size, or to something else."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestAnyVAE",
            category="test",
            inputs=[
                io.Combo.Input("kind", options=["rgb", "grey", "rgba", "video", "still", "sound"], default="rgb"),
                io.Int.Input("enlarge", default=1),
                io.Int.Input(
                    "channels",
                    default=0,
                    optional=True,
                    tooltip="Of its latents, as core's VAEs say; 0: it does not say.",
                ),
            ],
            outputs=[io.Vae.Output()],
        )

    @classmethod
    def execute(cls, kind, enlarge, channels=0):
        vae = _AnyVAE(kind, enlarge)
        if channels:
            vae.latent_channels, vae.latent_dim = channels, 3 if kind in ("video", "still") else 2
        return io.NodeOutput(vae)


class _AnyVAE:
    CHANNELS = {"grey": 1, "rgba": 4}
    FRAMES_OF_A_STEP = 2

    def __init__(self, kind: str, enlarge: int):
        self.kind, self.enlarge = kind, enlarge

    def decode(self, samples):
        if self.kind == "sound":
            return samples.flatten(2).movedim(1, -1)
        pictures = torch.sigmoid(1.5 * samples[:, : self.CHANNELS.get(self.kind, 3)]).movedim(1, -1)
        for axis in (-2, -3):
            pictures = pictures.repeat_interleave(self.enlarge, axis)
        if self.kind in ("video", "still"):
            # Each step of a video latent is several frames. In a still they are equal, and so are those of step 1 and 2.
            pictures = pictures.repeat_interleave(self.FRAMES_OF_A_STEP, 1)
            if self.kind == "video":
                light = torch.linspace(1.0, 0.5, pictures.shape[1]).reshape(1, -1, 1, 1, 1)
                pictures = pictures * light
            else:
                pictures[:, self.FRAMES_OF_A_STEP : 2 * self.FRAMES_OF_A_STEP] = pictures[:, :1]
        return pictures


def _patcher(config):
    config.set_inference_dtype(torch.float32, None)
    offload = comfy.model_management.unet_offload_device()
    return comfy.model_patcher.ModelPatcher(
        config.get_model({}, "", device=offload),
        load_device=comfy.model_management.get_torch_device(),
        offload_device=offload,
    )


def _conditioning(number: int) -> list:
    tokens = torch.randn(1, 8, CONTEXT, generator=torch.Generator().manual_seed(number))
    return [[tokens, {"pooled_output": tokens.mean(1)}]]
