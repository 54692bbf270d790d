"""The rules of all nodes that are not this pack's, by what they do."""

from .batches import BATCHES
from .latents import LATENTS
from .packs import PACKS
from .samplers import SAMPLERS
from .sampling import sampled
from .switches import SWITCHES

__all__ = ["STOCK", "sampled"]

STOCK = {**SAMPLERS, **LATENTS, **BATCHES, **SWITCHES, **PACKS}
