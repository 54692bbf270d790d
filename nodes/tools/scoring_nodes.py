"""Nodes of the graph as a scorer: those between Score Input and Score Output, copied for each batch of images.

ComfyUI runs nodes, not nodes within a node. So a search that needs their numbers hands its executor a graph, with copies
of these nodes for the images at hand and one node that takes their numbers and searches on: node expansion.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from comfy_execution.graph_utils import is_link

from .sampling import Rendered, as_images

__all__ = ["INPUT", "OUTPUT", "Handed", "NodeScorer", "ScoringNodes"]

INPUT, OUTPUT = "SurrogateScoreInput", "SurrogateScoreOutput"
# Core's loops (0.37 and newer) keep what they are made of in their own nodes: copies of them do not run.
LOOPS = {"StartLoop", "EndLoop"}


@dataclass(frozen=True)
class NodeScorer:
    """What Score Output gives: a scorer that only the graph can run. `output` is that node's id."""

    output: str

    def __call__(self, images):
        raise ValueError(
            "The scorer of Surrogate Score Output works only in Surrogate Search. To combine scores of other nodes, connect "
            "their numbers to Combine Scores, and its scores to Score Output."
        )


class Handed:
    """What a search has given to its scoring nodes: an IMAGE (t, h, w, c) of each of a batch, or an AUDIO and its picture."""

    def __init__(self, pictures: list[Rendered]):
        self.images = [as_images([one.frames]) for one in pictures]
        self.sounds = [one.sound for one in pictures if one.sound is not None]

    def release(self) -> None:
        """Give the memory back. The executor keeps what a node gave until the end of the prompt, which here is the end of
        the search: without this, all images of a search would be in memory at once."""
        for image in self.images:
            image.set_(torch.empty(0))  # type: ignore[call-overload]
        self.images, self.sounds = [], []


class ScoringNodes:
    """The nodes that lead from Score Input to the Score Output number `output` of the graph `dynprompt`.

    Only they are copied; what they need beyond the images, such as a loaded model, runs once.
    Raises ValueError if no Score Input leads there, or a loop is between.
    """

    def __init__(self, dynprompt, output: str):
        self.dynprompt = dynprompt
        self.score = dynprompt.get_node(output)["inputs"].get("score")
        self._inside: dict[str, bool] = {}
        if not is_link(self.score) or not self._depends(self.score[0]):
            raise ValueError(
                f"No Surrogate Score Input leads to Surrogate Score Output {output}, so the score cannot depend on the image. "
                "Connect the image of Score Input to the node that scores it."
            )
        if any(inside and dynprompt.get_node(id)["class_type"] in LOOPS for id, inside in self._inside.items()):
            raise ValueError(
                f"A loop (Start Loop, End Loop) is between Surrogate Score Input and Surrogate Score Output {output}, and "
                "loops cannot be run again for each image. Score with nodes that work without a loop, or put Surrogate Ask and "
                "Tell around the loop."
            )

    def copies(self, prefix: str, handed: Handed) -> tuple[dict[str, dict], list]:
        """A graph of copies whose ids begin with `prefix`, for the images `handed`; and the link of their numbers."""
        graph = {}
        for node_id in (id for id, inside in self._inside.items() if inside):
            node = self.dynprompt.get_node(node_id)
            inputs = {name: self._copied(value, prefix) for name, value in node["inputs"].items()}
            if node["class_type"] == INPUT:
                inputs = {"images": handed}
            # In the browser it is the node itself that works.
            graph[prefix + node_id] = {
                "class_type": node["class_type"], "inputs": inputs, "override_display_id": node_id,
            }  # fmt: skip
        return graph, self._copied(self.score, prefix)

    def _copied(self, value, prefix: str):
        return [prefix + value[0], value[1]] if is_link(value) and self._inside.get(value[0]) else value

    def _depends(self, start: str) -> bool:
        """Whether node `start` depends on a Score Input; notes the same of all above it."""
        waiting = [start]
        while waiting:
            node_id = waiting[-1]
            above = list(self._above(node_id))
            new = [id for id in above if id not in self._inside]
            if new:
                waiting += new
                continue
            is_input = self.dynprompt.get_node(node_id)["class_type"] == INPUT
            self._inside[node_id] = is_input or any(self._inside[id] for id in above)
            waiting.pop()
        return self._inside[start]

    def _above(self, node_id: str) -> Iterator[str]:
        node = self.dynprompt.get_node(node_id)
        if node["class_type"] != INPUT:  # its own images are for a trial
            yield from (value[0] for value in node["inputs"].values() if is_link(value))
