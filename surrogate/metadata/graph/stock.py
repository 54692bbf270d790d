"""The rules of all nodes that are not this pack's, by what they do."""

from .batches import BATCHES
from .foreign import FOREIGN
from .latents import LATENTS
from .samplers import SAMPLERS
from .sampling import sampled
from .switches import SWITCHES

__all__ = ["STOCK", "sampled"]

STOCK = {**SAMPLERS, **LATENTS, **BATCHES, **SWITCHES, **FOREIGN}
