"""Studies: searches that are remembered."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import folder_paths
from comfy_api.latest import io

from ..surrogate import SurrogateSpace
from ..surrogate.recent import Recent
from ..surrogate.scores import as_scores, not_finite
from ..surrogate.search import OPTIMISERS, Generation, Report, Study, scouting_name, study_names
from ..surrogate.settings import json_settings
from .tools import wires
from .tools.advanced import advanced
from .tools.graph_hash import graph_hash
from .tools.latents import sample_parts
from .tools.live import keep_pictures
from .tools.notices import say, warn
from .tools.sampling import clips_of
from .tools.schema import schema

__all__ = [
    "MOST_SCORES",
    "KnownScores",
    "OpenStudy",
    "StudyNode",
    "default_storage",
    "describe_study",
    "more_scores",
    "note_graph",
    "remember_opened",
    "say_opened",
    "score_columns",
    "study_inputs",
    "study_options",
    "times_deleted",
]

REFUSE, NEW = "refuse", "start a new study"
MOST_SCORES = 3
# Studies that were opened last by name and database, and how often each name began anew.
_opened: Recent[tuple[str, str], tuple[Study, int]] = Recent(32)
OPTIMISER_TOOLTIPS = {
    "cma-es": "the default, stays between the seeds.",
    "adaptive": "leaves them, makes new noises around the best, and comes closest to a target.",
    "bayesian": "a Gaussian process, for few images and up to about 5 seeds.",
    "tpe": "another model.",
    "sobol": "spreads evenly, no learning.",
    "random": "no learning.",
    "nsga-ii": "several scores at once.",
}
# What may change while a study goes on, and its scores still mean the same.
HARMLESS = {
    "SurrogateStudy": (
        "name", "optimiser", "budget", "population", "direction", "random_seed", "if_it_differs", "more_directions",
        "settings", "database",
    ),
    "SurrogateScout": (
        "name", "optimiser", "budget", "population", "direction", "random_seed", "if_it_differs", "more_directions",
        "settings", "database", "first_seed", "seeds", "share", "diversity", "chart",
    ),
    "SurrogateTell": ("until_finished",),
    "SurrogateSearch": ("images_per_batch", "n_best", "score_seeds"),
}  # fmt: skip


@dataclass(frozen=True)
class OpenStudy:
    """What travels on the study wire: the study, its space, and the generation that was asked for, if any.

    A scouting has a `successor`, which opens the search that follows it.
    """

    study: Study
    space: SurrogateSpace
    generation: Generation | None = None
    successor: Callable[[], OpenStudy] | None = None

    def present(self) -> OpenStudy:
        """This study, or the one that follows it if it is finished."""
        return self.successor() if self.successor and self.study.finished else self

    def finished(self, report: Report) -> bool:
        """Whether nothing follows this `report` of the study."""
        return report.finished and self.successor is None

    def progress(self, report: Report) -> str:
        """How the study stands, and in which phase if there are several."""
        return f"scouting: {report}" if self.successor else str(report)


def default_storage() -> Path:
    """The file that holds all studies of this ComfyUI."""
    return Path(folder_paths.get_user_directory()) / "surrogate_studies.db"


class StudyNode(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateStudy",
            display_name="Surrogate Study",
            search_aliases=["optimize", "optimizer", "optimise", "CMA-ES", "optuna", "bayesian", "evolve", "genetic"],
            category="surrogate/search",
            description="Starts a search of a space for a high or low score, or continues it. Everything that was "
            "asked and scored is remembered under the name of the study: stop when you like, the next run continues, "
            "also after a restart.",
            inputs=[wires.Space.Input("space", tooltip="The space to search."), *study_inputs()],
            outputs=[
                wires.Study.Output(
                    display_name="study",
                    tooltip="The study, for Surrogate Search (all in one node) or Surrogate Ask (any nodes).",
                )
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def fingerprint_inputs(cls, name, database="", **_):
        return times_deleted(name, database)  # then it is opened anew

    @classmethod
    def execute(cls, space, name, database="", **inputs) -> io.NodeOutput:
        study = Study.open(space=space, **study_options(name=name, database=database, **inputs))
        remember_opened(study, name, database)
        opened = OpenStudy(study, study.space)
        say_opened(cls, opened, study.remarks)
        return io.NodeOutput(opened)


def study_inputs(optimisers=tuple(OPTIMISERS)) -> list:
    """What is asked of every search, whatever its space."""
    return [
        io.Latent.Input("latent", tooltip="The latent that will be sampled. The study remembers its size."),
        io.String.Input(
            "name",
            default="my search",
            tooltip="Name of the study, any text. A study of this name is continued; a new name starts a new search.",
        ),
        io.Combo.Input(
            "optimiser",
            options=list(optimisers),
            default=optimisers[0],
            tooltip=" ".join(f"{name}: {OPTIMISER_TOOLTIPS[name]}" for name in optimisers),
        ),
        io.Int.Input(
            "budget",
            default=96,
            min=1,
            max=1_000_000,
            tooltip="Number of images to render in all. Raise it later to continue a finished search.",
        ),
        io.Int.Input(
            "population",
            default=0,
            min=0,
            max=10_000,
            tooltip="Number of images in a generation. 0: what the optimiser prefers (8 for cma-es, 4 for adaptive).",
        ),
        io.Combo.Input(
            "direction",
            options=["maximize", "minimize"],
            default="maximize",
            tooltip="Whether a high score (maximize) or a low score (minimize) is better.",
        ),
        io.Int.Input(
            "random_seed",
            default=0,
            min=0,
            max=0xFFFFFFFF,
            tooltip="The random choices of the optimiser start from this number: the same number gives the same "
            "search.",
        ),
        io.Combo.Input(
            "if_it_differs",
            options=[REFUSE, NEW],
            default=REFUSE,
            tooltip="What to do if the name belongs to a study with another space, size, direction or optimiser. "
            "refuse: stop with a message that says what differs. start a new study: start one with a number after "
            "the name.",
        ),
        advanced(
            io.String,
            "more_directions",
            default="",
            tooltip="For studies with several scores (optimiser nsga-ii): the directions of the second and third "
            "score, such as minimize. Empty: one score.",
        ),
        advanced(
            io.String,
            "settings",
            default="",
            tooltip='Settings of the optimiser as JSON, such as {"sigma0": 0.3} for cma-es. Empty: its defaults.',
        ),
        advanced(
            io.String,
            "database",
            default="",
            tooltip="Where studies are kept: an SQLAlchemy URL if several computers share one. Empty: the file "
            "surrogate_studies.db in ComfyUI's user folder.",
        ),
    ]


def study_options(
    latent,
    name,
    optimiser,
    budget,
    population,
    direction,
    random_seed,
    if_it_differs,
    more_directions="",
    settings="",
    database="",
) -> dict:
    """The values of `study_inputs` as arguments of `Study.open`."""
    return {
        "storage": database.strip() or default_storage(),
        "name": name,
        "shape": [list(part) for part in sample_parts(latent)],
        "optimiser": optimiser,
        "budget": budget,
        "population": population or None,
        "directions": [direction, *more_directions.replace(",", " ").split()],
        "seed": random_seed,
        "settings": json_settings(settings, "settings"),
        "on_mismatch": "new" if if_it_differs == NEW else "refuse",
    }


def times_deleted(name: str, database: str) -> int:
    """How often the study that was opened as `name` was deleted meanwhile, alone or with its file."""
    study, times = _opened.get((name, database)) or (None, 0)
    return times if study is None or study.exists() else times + 1


def remember_opened(study: Study, name: str, database: str) -> None:
    """For `times_deleted`: `study` was opened as `name`."""
    _opened.keep((name, database), (study, times_deleted(name, database)))


def say_opened(node: type[io.ComfyNode], opened: OpenStudy, remarks) -> None:
    """The `remarks` about how a study was opened; if there are none, how it stands."""
    warn(node, remarks)
    if not remarks:
        report = opened.study.report()
        begun = report.evaluated or report.open or report.best is not None
        say(node, f"continues from {opened.progress(report)}" if begun else "a new study")


class KnownScores(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateKnownScores",
            display_name="Surrogate Known Scores",
            search_aliases=["warm start", "rate images", "prior scores", "feedback"],
            category="surrogate/search",
            description="Tells a study scores that are already known, such as those of the seeds or of points that "
            "you like. They do not count against the budget. To tell them again changes nothing.",
            inputs=[
                wires.Study.Input(
                    "study",
                    tooltip="The study, from Surrogate Study. Connect the output of this node to Surrogate Ask or "
                    "Search.",
                ),
                wires.Points.Input("points", tooltip="The points whose scores are known."),
                io.Float.Input(
                    "scores",
                    force_input=True,
                    tooltip="One number for each point, in the order of the points, from any node.",
                ),
                io.Image.Input(
                    "images", optional=True, tooltip="The pictures of the points, in the same order, for the reports."
                ),
                *more_scores(),
            ],
            outputs=[
                wires.Study.Output(
                    display_name="study", tooltip="The study with these scores, for Surrogate Ask or Search."
                )
            ],
            hidden=[io.Hidden.unique_id],
            is_input_list=True,
        )

    @classmethod
    def execute(cls, study, points, scores, images=None, **more) -> io.NodeOutput:
        opened, known = study[0].present(), points[0]
        if opened.successor:
            raise ValueError(
                f"The study is still scouting ({opened.study.progress}): its space is not made yet, so no point of it "
                "can be known. Connect Known Scores when the scouting is finished."
            )
        table = score_columns(cls, scores, more, len(known))
        clips = None if images is None else clips_of(images, len(known))
        opened.study.add_known(known.u, table, known.labels, clips)
        if clips is not None:
            rows = opened.study.history().known_rows(opened.study.points_of(known.u))
            keep_pictures(opened, rows, clips, opened.study.best)
        say(cls, f"{len(known)} known scores, {opened.study.progress}")
        return io.NodeOutput(opened)


def more_scores(**settings) -> list[io.Float.Input]:
    """The inputs of a study's second and further scores."""
    return [
        io.Float.Input(
            f"scores_{i}",
            optional=True,
            force_input=True,
            tooltip="Another score of the same images, for a study of several scores.",
            **settings,
        )
        for i in range(2, MOST_SCORES + 1)
    ]


def score_columns(node, scores, more: dict, count: int) -> list:
    """What to tell a study of `count` images: their scores, a row each if there are several. Warns of those that are none."""
    columns = [scores, *(more.get(f"scores_{i}") for i in range(2, MOST_SCORES + 1))]
    table = [as_scores(column, count).tolist() for column in columns if column is not None]
    for column in table:
        warn(node, filter(None, [not_finite(column)]))
    return list(zip(*table)) if len(table) > 1 else table[0]


def note_graph(node: type[io.ComfyNode], study: Study) -> list[str]:
    """Remember with the study what graph makes and scores its images; a sentence if it was another one before."""
    now = graph_hash(node.hidden.prompt, node.hidden.unique_id, HARMLESS)[:16]
    before = study.renote(now) if now else ""
    if before in ("", now):
        return []
    return [
        "The graph that makes and scores the images has changed since this study was last run (model, prompt, sampler, "
        "scorer, …): its earlier scores may mean something else. If so, give the study another name."
    ]


def describe_study(storage, name: str) -> dict:
    """How the study `name` stands, as JSON for API clients. Raises UnknownStudy if there is none."""
    names = study_names(storage)
    scouting = name not in names and scouting_name(name) in names
    study = Study.load(storage, scouting_name(name) if scouting else name)
    report = study.report()
    best = report.best
    return {
        "name": name,
        "phase": "scouting" if study.optimiser.name == "scout" else "search",
        "finished": report.finished and not scouting,
        "evaluated": report.evaluated,
        "failed": report.failed,
        "open": report.open,
        "budget": report.budget,
        "generation": report.generation,
        "progress": f"scouting: {report}" if scouting else str(report),
        "space": json.loads(json.dumps(study.definition.space)),
        "best": best
        and {"u": best.u.tolist(), "scores": list(best.scores), "number": best.number, "label": best.label},
    }
