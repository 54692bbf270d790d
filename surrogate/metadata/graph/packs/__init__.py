"""Nodes of other packs that are known by name: what each does with noise. One file a pack."""

from .alike import TAKEN
from .easy import EASY
from .efficiency import EFFICIENCY
from .inspire import INSPIRE
from .plain import PLAIN

__all__ = ["PACKS", "TAKEN"]

PACKS = {**EFFICIENCY, **INSPIRE, **EASY, **PLAIN}
