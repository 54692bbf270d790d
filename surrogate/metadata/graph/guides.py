"""What guides a sampler: earlier samplings whose latents or pictures lead to its conditioning, its guider or its model.

A sampler that is guided by a sampled latent adds detail to it (the second stage of Stable Cascade): two noises made
the picture. One that is guided by a decoded picture (a ControlNet, a reference) is told by a note.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from .prompt import Node
from .values import Batch, Opaque

__all__ = ["Guide", "guides_of"]

# The inputs of a sampler that guide it; what it samples is another matter.
GUIDING = {
    *("model", "positive", "negative", "conditioning", "cond", "guider", "pipe", "basic_pipe", "sdxl_tuple", "model1"),
    *("cond1", "cond2", "model_negative"),
}
# A node that is handed one of these bundles what it is given: a latent in it does not guide.
BUNDLE = re.compile(r"^model|^clip$|ctx|context|pipe")
# These show the picture in a latent: it is not what the sampler adds detail to.
REFERENCES = {"ReferenceLatent", "ReferenceMultiLatent", "FluxKontextMultiReferenceLatentMethod"}
# More than any real graph has; a hostile one could have as many as nodes.
MOST_GUIDES = 16


@dataclass(frozen=True)
class Guide:
    """The node that sampled what guides; `decoded` if its pictures do, not its latents."""

    sampler: str
    decoded: bool


def guides_of(node: Node, values: dict[str, list], above: dict[str, frozenset[Guide]]) -> frozenset[Guide]:
    """The samplings that reach a node, a sampler only over those inputs that guide it; `above` are those of all nodes."""
    samples = "sampler" in node.kind.lower()
    bundle = any(BUNDLE.search(name) for name in node.links)
    found: set[Guide] = set()
    for name, link in node.links.items():
        if samples and name not in GUIDING:
            continue
        direct = {guide for guide in _samplings(values.get(name, ()), node.kind) if guide.decoded or not bundle}
        found |= direct or above.get(link.node, frozenset())
    return frozenset(sorted(found, key=lambda g: (g.sampler, g.decoded))[:MOST_GUIDES])


def _samplings(items: Iterable, kind: str) -> Iterable[Guide]:
    for item in items:
        batch = item.batch if isinstance(item, Opaque) else item
        decoded = kind in REFERENCES or (isinstance(batch, Batch) and batch.decoded)
        for row in batch.rows if isinstance(batch, Batch) else ():
            if row.sampler is not None or (row.foreign and not decoded):
                yield Guide(row.sampler or row.reason, decoded)
