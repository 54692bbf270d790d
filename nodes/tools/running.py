"""A search that waits for nodes of the graph to score its images: what it needs between one batch and the next."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Mapping

import numpy as np
from comfy.model_management import InterruptProcessingException
from comfy_api.latest import io

from ...surrogate.scores import as_scores, not_finite
from ...surrogate.search import Judged, answered, score_each
from .notices import warn
from .sampling import Rendered
from .scoring_nodes import Handed, NodeScorer, ScoringNodes

__all__ = ["Running", "run_search"]

# Gives out what is to be judged, and returns what the node gives.
Searching = Generator[list[Rendered], Judged, io.NodeOutput]
STEP, STEP_OUTPUTS = "SurrogateSearchStep", 9
# Ids of copied nodes must differ from all others of a prompt; short ones, because every event of it lists them.
_numbers = itertools.count()


def run_search(node: type[io.ComfyNode], searching: Searching, scorers: Mapping[str, Callable]):
    """What the generator `searching` returns when `scorers`, by the names of their inputs, judge its images.

    If one of them is a NodeScorer, what comes back is a graph that ComfyUI runs next, and which ends in the same.
    """
    run = Running(node, searching, scorers)
    if run.nodes:
        return run.proceed(lambda: next(searching))
    return answered(searching, lambda pictures: run.judged(pictures, {}))


class Running:
    """A search between two of its batches. It travels on a wire of its own; its scores come back to `told`."""

    def __init__(self, node: type[io.ComfyNode], searching: Searching, scorers: Mapping[str, Callable]):
        self.node, self.searching, self.scorers = node, searching, scorers
        nodes = {name: s for name, s in scorers.items() if isinstance(s, NodeScorer)}
        self.nodes = {name: ScoringNodes(node.hidden.dynprompt, s.output) for name, s in nodes.items()}
        self.own = {name: s for name, s in scorers.items() if name not in nodes}
        self.pictures: list[Rendered] = []
        self.handed = Handed([])

    def told(self, scores: Mapping[str, list]) -> io.NodeOutput:
        """Search on with what the scoring nodes gave for the latest pictures, by the names of the scorers' inputs."""
        self.handed.release()
        judged = self.judged(self.pictures, scores)
        return self.proceed(lambda: self.searching.send(judged))

    def proceed(self, advance: Callable[[], list[Rendered]]) -> io.NodeOutput:
        """The graph that scores the next pictures; at the end of the search, what it has found."""
        try:
            self.pictures = advance()
        except StopIteration as end:
            return end.value
        self.handed = Handed(self.pictures)
        prefix = f"{self.node.hidden.unique_id}.{next(_numbers)}."
        graph: dict[str, dict] = {}
        step = {"class_type": STEP, "inputs": {"search": self}, "override_display_id": self.node.hidden.unique_id}
        for name, nodes in self.nodes.items():
            copies, step["inputs"][name] = nodes.copies(prefix, self.handed)
            graph |= copies
        graph[f"{prefix}step"] = step
        return io.NodeOutput(*([f"{prefix}step", i] for i in range(STEP_OUTPUTS)), expand=graph)

    def judged(self, pictures: list[Rendered], scores: Mapping[str, list]) -> Judged:
        """The scores of `pictures`: those of nodes are there, the others are calculated now."""
        columns = {name: as_scores(values, len(pictures), name) for name, values in scores.items()}
        own = score_each(list(self.own.values()), pictures, (InterruptProcessingException,))
        rows = np.array(own.scores, np.float64).reshape(len(pictures), len(self.own))
        columns |= {name: rows[:, i] for i, name in enumerate(self.own)}
        warn(self.node, sorted({reason for reason in own.reasons if reason}))
        warn(self.node, filter(None, [not_finite(columns[name]) for name in scores]))
        ordered = np.stack([columns[name] for name in self.scorers], axis=1).tolist()
        return Judged([row[0] for row in ordered] if len(self.scorers) == 1 else list(map(tuple, ordered)), own.reasons)
