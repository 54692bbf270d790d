"""Optuna's samplers, used as they are on a copy of the history in memory."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...checks import share, whole
from ..values import COMPLETE, FAILED, RUNNING, SKIPPED, History, StudyError
from .base import Optimiser, Proposal
from .quiet import quiet_optuna

__all__ = ["NsgaII", "OptunaSampler", "Tpe"]

GENETIC_GENERATION = "NSGAIISampler:generation"


@dataclass(frozen=True)
class OptunaSampler(Optimiser):
    """Asks an Optuna sampler for one point after the other, each seeded by (seed, run, generation, index).

    The sampler sees every finished point of every run, and those that are being rendered as pending. All it learns is
    in the history, so nothing of its state has to be kept.
    """

    slow: ClassVar[bool] = True

    @abstractmethod
    def _sampler(self, seed: int, population: int): ...

    def propose(self, history, run, generation, indices, population, seed, memory):
        with quiet_optuna():
            mirror = memory.pop("mirror", None)
            if mirror is None or not mirror.follows(history):
                mirror = _Mirror(history)
            mirror.follow(history)
            samplers = [
                self._sampler(int(np.random.SeedSequence([seed, run, generation, i]).generate_state(1)[0]), population)
                for i in indices
            ]
            proposal = mirror.ask(samplers, [(run, generation, int(i)) for i in indices])
            memory["mirror"] = mirror
            return proposal


@dataclass(frozen=True)
class Tpe(OptunaSampler):
    """Tree-structured Parzen estimator (Bergstra et al. 2011), Optuna's TPESampler, over all coordinates together.

    The first `startup` points are random; later ones are the best of `candidates` drawn.
    """

    name: ClassVar[str] = "tpe"
    tooltip: ClassVar[str] = "compares where good and bad points are, for many images"

    startup: int = 10
    candidates: int = 24

    def __post_init__(self):
        object.__setattr__(self, "startup", whole("startup", self.startup, 1))
        object.__setattr__(self, "candidates", whole("candidates", self.candidates, 1))

    def _sampler(self, seed, population):
        from optuna.samplers import TPESampler

        return TPESampler(
            seed=seed,
            n_startup_trials=self.startup,
            n_ei_candidates=self.candidates,
            multivariate=True,
            constant_liar=True,
        )


@dataclass(frozen=True)
class NsgaII(OptunaSampler):
    """NSGA-II (Deb et al. 2002) for several scores at once, Optuna's NSGAIISampler: it spreads over the Pareto front.

    `crossover` is the probability that two parents are mixed, `swapping` that a coordinate changes sides in it,
    `mutation` that a coordinate is drawn anew (None: one in k-1).
    """

    name: ClassVar[str] = "nsga-ii"
    tooltip: ClassVar[str] = "for several scores at once, finds the best compromises"
    one_score: ClassVar[bool] = False
    population: ClassVar[int] = 16
    smallest_population: ClassVar[int] = 2

    crossover: float = 0.9
    swapping: float = 0.5
    mutation: float | None = None

    def __post_init__(self):
        for name in ("crossover", "swapping", "mutation"):
            if name != "mutation" or self.mutation is not None:
                share(name, getattr(self, name))

    def _sampler(self, seed, population):
        import optuna
        from optuna.samplers import NSGAIISampler

        if not hasattr(NSGAIISampler, "get_parent_population"):
            raise StudyError(f"nsga-ii needs optuna 4.3 or newer, this is {optuna.__version__}: update it.")
        return NSGAIISampler(
            seed=seed,
            population_size=population,
            crossover_prob=self.crossover,
            swapping_prob=self.swapping,
            mutation_prob=self.mutation,
        )


class _Mirror:
    """An Optuna study in memory with the history's rows, in their order, and those proposed but not stored yet."""

    def __init__(self, history: History):
        import optuna

        directions: Any = list(history.directions)
        self.study = optuna.create_study(directions=directions)
        self.space: dict[str, Any] = {
            f"u{i + 1}": optuna.distributions.FloatDistribution(0.0, 1.0) for i in range(history.u.shape[1])
        }
        self.rows: list[int] = []  # of each row of the history, its number in this study
        self.open: set[int] = set()  # rows that were running when last seen
        self.proposed: dict[tuple[int, int, int], int] = {}
        self.genetic_generation = 0
        self.parents_of = 0

    def follows(self, history: History) -> bool:
        """Whether all that was proposed here is stored in the same rows: samplers mind the order of the points."""
        return all(
            row < len(history) and place == (history.run[row], history.generation[row], history.index[row])
            for place, row in self.proposed.items()
        )

    def follow(self, history: History) -> None:
        """Take over what is new in the history."""
        from optuna.trial import TrialState, create_trial

        states = {RUNNING: TrialState.RUNNING, COMPLETE: TrialState.COMPLETE, FAILED: TrialState.FAIL}
        states[SKIPPED] = TrialState.FAIL  # the samplers' word for a point that says nothing
        for row in range(len(self.rows), len(history)):
            place = (int(history.run[row]), int(history.generation[row]), int(history.index[row]))
            number = self.proposed.pop(place, None)
            attributes = dict(history.attributes[row])
            if history.known[row]:
                # Known points are members of the population of their time.
                attributes[GENETIC_GENERATION] = self.genetic_generation
            self.genetic_generation = attributes.get(GENETIC_GENERATION, self.genetic_generation)
            if number is not None:
                self.rows.append(number)
                self.open.add(row)
                continue
            state = str(history.state[row])
            trial = create_trial(
                state=states[state],
                params=dict(zip(self.space, history.u[row].tolist())),
                distributions=self.space,
                values=history.scores[row].tolist() if state == COMPLETE else None,
                system_attrs=attributes,
            )
            self.rows.append(len(self.study.get_trials(deepcopy=False)))
            self.study.add_trial(trial)
            if state == RUNNING:
                self.open.add(row)
        for row in sorted(self.open):
            state = str(history.state[row])
            if state != RUNNING:
                values = history.scores[row].tolist() if state == COMPLETE else None
                self.study.tell(self.rows[row], values, state=states[state])
                self.open.discard(row)

    def ask(self, samplers: list, places: list[tuple[int, int, int]]) -> Proposal:
        import optuna

        u, attributes = [], []
        for sampler, place in zip(samplers, places, strict=True):
            if isinstance(sampler, optuna.samplers.NSGAIISampler):
                # In ascending order: from scratch, optuna would find them by recursion through all generations.
                while self.parents_of <= self.genetic_generation:
                    sampler.get_parent_population(self.study, self.parents_of)
                    self.parents_of += 1
            # A new sampler would find out from all trials which coordinates they have: all of them, sorted by name.
            sampler.infer_relative_search_space = lambda *_: dict(sorted(self.space.items()))
            self.study.sampler = sampler
            trial = self.study.ask(self.space)
            u.append([trial.params[name] for name in self.space])
            stored = self.study.get_trials(deepcopy=False)[trial.number]
            attributes.append({k: v for k, v in stored.system_attrs.items() if k == GENETIC_GENERATION})
            self.proposed[place] = trial.number
        return Proposal(np.clip(np.array(u), 0.0, 1.0), tuple(attributes))
