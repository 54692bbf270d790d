"""Nodes for the tests alone: tiny models of every kind, odd latents, and ways to look at what travels on a wire.

backwards  an inversion that is far from good
models   a small UNet of core's own class; a network for latents of any rank; decoders
family   one family of models, of core's own class with random weights, built for any version
families, newer_families  all of them (up to 0.3.75, and since)
family_nodes  them as nodes
core     which names core has; a guider that has less than core's
clip     a CLIP and a CLIP vision model of core's own classes with random weights
faults   nodes and scores that fail, wait, or are made up, when a test says so
odd      models that behave unlike most: they ignore the noise, refuse batches, give NaN
replacing  functions in the place of core's noise
loop     a stand-in for core's Start Loop and End Loop where core has none
sounds   sounds made to order, a decoder of sound, a score of what is heard
values   latents, pictures and scores made to order
watch    tensors to a file, the number of sampler calls, the state of the global generators
"""

__all__ = ["comfy_entrypoint"]


async def comfy_entrypoint():
    from comfy_api.latest import ComfyExtension

    from .backwards import RoughInversion
    from .clip import ClipCosine, Pooled, SmallClip, SmallClipVision, WithWords
    from .core import BareGuider, CoreNames
    from .family_nodes import Changed, FamilyFile, FamilyModel, FamilyPrompt
    from .faults import Faulty, FaultyScorer
    from .loop import stand_ins
    from .models import AnyModel, AnyVAE, SmallUNet
    from .odd import NaNModel, OddNoise, OneAtATime, SlowModel
    from .replacing import ReplacedNoise
    from .sounds import MadeSounds, Pitch, SoundVAE
    from .values import JoinedParts, MadeImages, MadeLatent, MadeNumbers, MadeText, MaskOf, PartOf
    from .watch import CountedSampler, Keep, NoiseTap, Watch

    class TestKit(ComfyExtension):
        async def get_node_list(self):
            return [
                AnyModel, AnyVAE, SmallUNet, ClipCosine, Pooled, WithWords, SmallClip, SmallClipVision, MadeImages, MadeLatent,
                MadeNumbers, MadeText, CountedSampler, Keep, NoiseTap, Watch, Faulty, FaultyScorer, RoughInversion,
                BareGuider, CoreNames,
                Changed, FamilyFile, FamilyModel, FamilyPrompt,
                MadeSounds, Pitch, SoundVAE,
                JoinedParts, MaskOf, PartOf, NaNModel, OddNoise, OneAtATime, ReplacedNoise, SlowModel,
                *stand_ins(),
            ]  # fmt: skip

    return TestKit()
