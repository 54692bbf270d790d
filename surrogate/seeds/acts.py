"""What is typed into the nodes that give seeds, made into seeds.

Each function is a node's act: the node calls it with what was typed and shows its defaults, and the reader of prompts in
pictures calls the same function. Parameters have the names of the node's inputs.
"""

from __future__ import annotations

from .several import Seeds

__all__ = ["integers", "join"]


def integers(seeds: str = "12, 99, 1024, 7", first: int = 0, count: int = 0) -> Seeds:
    """The integer seeds of a text; if it is empty, the `count` integers from `first` upwards."""
    return Seeds.from_range(first, count) if count and not seeds.strip() else Seeds.from_text(seeds)


def join(
    seeds_1: Seeds,
    seeds_2: Seeds,
    seeds_3: Seeds | None = None,
    seeds_4: Seeds | None = None,
    seeds_5: Seeds | None = None,
    seeds_6: Seeds | None = None,
    seeds_7: Seeds | None = None,
    seeds_8: Seeds | None = None,
) -> Seeds:
    """All seeds of all sets, in order."""
    sets = (seeds_1, seeds_2, seeds_3, seeds_4, seeds_5, seeds_6, seeds_7, seeds_8)
    return Seeds.join(one for one in sets if one is not None)
