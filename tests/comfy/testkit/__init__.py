"""Nodes for the tests alone: tiny models of every kind, odd latents, and ways to look at what travels on a wire.

models   a small UNet of core's own class; a network for latents of any rank; decoders
values   latents, pictures and scores made to order
watch    tensors to a file, the number of sampler calls, the state of the global generators
"""

__all__ = ["comfy_entrypoint"]


async def comfy_entrypoint():
    from comfy_api.latest import ComfyExtension

    from .models import AnyModel, AnyVAE, SmallUNet
    from .values import MadeImages, MadeLatent, MadeNumbers, MadeText
    from .watch import CountedSampler, Keep, Watch

    class TestKit(ComfyExtension):
        async def get_node_list(self):
            return [
                AnyModel, AnyVAE, SmallUNet, MadeImages, MadeLatent, MadeNumbers, MadeText, CountedSampler, Keep, Watch,
            ]  # fmt: skip

    return TestKit()
