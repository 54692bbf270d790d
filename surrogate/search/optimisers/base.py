"""What an optimiser is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..values import History

if TYPE_CHECKING:
    from ...space import SurrogateSpace

__all__ = ["Optimiser", "Proposal", "generator"]


@dataclass(frozen=True)
class Proposal:
    """Points u (n, k-1) in the cube, and what the optimiser wants to read again in `History.attributes`, a row each."""

    u: np.ndarray
    attributes: tuple[Mapping, ...] = ()


@dataclass(frozen=True)
class Optimiser(ABC):
    """Proposes generations. A frozen dataclass: its fields are its settings, with defaults, and become JSON.

    Laws, tested for every entry of `OPTIMISERS`:

    - It has a `name`, a `tooltip` and a docstring, takes studies of one score or of several, and is rebuilt from its
      `settings`. Its `population` is a whole number from `smallest_population` on.
    - A proposal is a function of its arguments without `memory`: the same in a fresh process, and when `memory` was
      emptied. `memory` only saves time. Scores may be equal, and points may have failed.
    - Another seed gives other points; if it widens its space, other seeds in it.
    - As many points come as were asked for, in the closed cube of 1 to 63 coordinates (or of its widened space), and more
      than half of them differ.
    - The global random state is neither used nor changed.
    """

    name: ClassVar[str]
    # What a user reads who chooses among the optimisers: half a sentence, such as "spreads evenly, no learning".
    tooltip: ClassVar[str]
    # Settings worth an example in a tooltip, as JSON; "" if there are none.
    example: ClassVar[str] = ""
    # Which studies it takes: of one score, of several.
    one_score: ClassVar[bool] = True
    several_scores: ClassVar[bool] = True
    # How many points a generation has unless the user says otherwise, and how few it can have.
    population: ClassVar[int] = 8
    smallest_population: ClassVar[int] = 1
    # Whether workers who search together share the images of a generation. Who learns from every image loses more by what
    # is not known yet, the more images are being made at once; who needs whole generations (CMA-ES) must not share them.
    shares: ClassVar[bool] = False
    # Whether it searches a wider space than it is given, and whether it looks at pictures: `History.glimpses`.
    widens: ClassVar[bool] = False
    sees: ClassVar[bool] = False
    # Whether proposing may take longer than others should wait for the database.
    slow: ClassVar[bool] = False

    @abstractmethod
    def propose(
        self,
        history: History,
        run: int,
        generation: int,
        indices: Sequence[int],
        population: int,
        seed: int,
        memory: dict,
    ) -> Proposal:
        """The points `indices` of `generation` of `run`, which has `population` points in all.

        Earlier generations of the run are finished. Lower indices of this one are in the history already, if they
        are not asked for: a generation is asked in parts where the budget ended within it.
        """

    def outdated(self, u: np.ndarray, history: History, later: np.ndarray) -> bool:
        """Whether points u that were proposed from `history` repeat something of the points `later`, which others have
        stored since: then they are proposed again.
        """
        return False

    def widened(self, space: SurrogateSpace, seed: int) -> SurrogateSpace:
        """The space that it searches when it is given `space`, whose seeds are the first of it."""
        return space

    def check(self, dimension: int, scores: int) -> None:
        """Raises ValueError if this optimiser cannot search a cube of `dimension` for so many scores."""
        if scores > 1 and not self.several_scores:
            raise ValueError(
                f"The optimiser {self.name} takes one score, this study has {scores} directions: combine the scores to "
                "one, or choose an optimiser for several such as nsga-ii."
            )
        if scores == 1 and not self.one_score:
            raise ValueError(
                f"The optimiser {self.name} is for several scores, this study has one direction: give a direction for "
                "each score, or choose another optimiser such as cma-es."
            )

    def settings(self) -> dict:
        """The settings as JSON; `make_optimiser(name, **settings)` is this optimiser again."""
        return asdict(self)


def generator(seed: int, *place: int) -> np.random.Generator:
    """Chance for one `place`, such as (run, generation): a stream of its own, whatever was drawn elsewhere."""
    return np.random.default_rng([seed, *place])
