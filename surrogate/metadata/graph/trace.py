"""Follow a prompt from its samplers to its save nodes: which noise made each picture. Nothing is executed.

A known node has a rule; what is made of the others is told in unknown.py.
"""

from __future__ import annotations

from functools import partial

from ..errors import Untraceable
from .batches import BATCHES
from .guides import Guide, guides_of
from .ours import OURS
from .prompt import Node, Prompt
from .rules import Place
from .stock import STOCK
from .unknown import handed_on, nothing_known
from .values import Noise, Unknown
from .work import Work

__all__ = ["RULES", "Trace", "model_chain"]

RULES: dict = {**STOCK, **OURS}
PATCH = "SurrogateKSamplerNoise"
LONGEST_CHAIN = 500
LONGEST_REASON = 300
# AnimateDiff's sample settings that leave the noise alone, and those that always change it.
DEFAULT_SETTINGS = {"noise_type": "default", "seed_gen": "comfy", "seed_offset": 0, "batch_offset": 0}
OTHER_SETTINGS = {"noise_layers", "seed_override", "iteration_opts", "image_inject"}


class Trace:
    """The values of all outputs of the nodes that the nodes `ids` depend on, as lists of items as in ComfyUI."""

    def __init__(self, prompt: Prompt, ids: list[str]):
        self.prompt = prompt
        self.values: dict[str, list[list] | Unknown] = {}
        self.guides: dict[str, frozenset[Guide]] = {}
        work = Work()
        for number in prompt.above(*ids):
            node = prompt.nodes[number]
            try:
                inputs = self.inputs(node)
                work.take(inputs.values())
                self.guides[number] = guides_of(node, inputs, self.guides)
                place = Place(node, partial(self._patched, node), self.guides[number])
                rule = None if node.kind in BATCHES and nothing_known(place, inputs) else RULES.get(node.kind)
                made = rule.apply(place, inputs) if rule else handed_on(place, inputs)
                work.give(made)
                self.values[number] = made
            except Untraceable as error:
                self.values[number] = Unknown(str(error))
            # The library's own checks of what is typed into our nodes; a rule must never end a whole folder's search.
            except (ValueError, KeyError, TypeError, IndexError, OverflowError, RecursionError) as error:
                self.values[number] = Unknown(f"{place}: {str(error)[:LONGEST_REASON]}")

    def inputs(self, node: Node) -> dict[str, list]:
        """Every input of the node as a list of items."""
        values = {name: [value] for name, value in node.inputs.items()}
        for name, link in node.links.items():
            values[name] = self.output(link.node, link.output)
        return values

    def output(self, number: str, output: int) -> list:
        """The items of an output; a single value of a node stands for all its outputs."""
        found = self.values.get(number, Unknown("its prompt has nodes in a circle"))
        if isinstance(found, Unknown):
            return [found]
        return found[output] if output < len(found) else found[-1]

    def _patched(self, node: Node) -> Noise | None:
        for above in model_chain(self.prompt, node):
            if "sample_settings" in above.links:
                _check_settings(above, self.prompt.nodes[above.links["sample_settings"].node])
            if above.kind == PATCH:
                (item, *_) = self.output(above.id, 0)
                if isinstance(item, Unknown):
                    raise Untraceable(item.reason)
                return item
        return None


def _check_settings(node: Node, settings: Node) -> None:
    """Refuses a model whose noise AnimateDiff replaces."""
    plain = all(settings.inputs.get(name, value) == value for name, value in DEFAULT_SETTINGS.items())
    if not plain or OTHER_SETTINGS & {*settings.links, *settings.inputs}:
        raise Untraceable(f"{settings} makes {node} draw its noise in another way than KSampler")


def model_chain(prompt: Prompt, node: Node) -> list[Node]:
    """The nodes that a node's MODEL (or GUIDER) comes through, from the nearest to the loader."""
    chain: list[Node] = []
    seen = {node.id}
    while len(chain) < LONGEST_CHAIN:
        links = node.links
        link = next((links[name] for name in ("guider", "model", "model1") if name in links), None)
        if link is None and chain and len(links) == 1:  # a reroute
            link = next(iter(links.values()))
        if link is None or link.node in seen:
            break
        node = prompt.nodes[link.node]
        seen.add(node.id)
        chain.append(node)
    return chain
