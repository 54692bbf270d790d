"""Studies: searches that are remembered. Study, Ask and Tell, one generation for each run of the graph."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, replace
from pathlib import Path

import folder_paths
from comfy_api.latest import io
from comfy_execution.graph import ExecutionBlocker

from ..surrogate import SurrogateSpace, points
from ..surrogate.gallery import Gallery
from ..surrogate.scores import as_scores, not_finite
from ..surrogate.search import OPTIMISERS, Generation, Study
from . import wires
from .latents import sample_parts
from .notices import tell, warn
from .resubmit import resubmit
from .sampling import as_images, as_pixels
from .space import json_settings

__all__ = ["Ask", "OpenStudy", "StudyNode", "Tell", "default_storage", "describe_study"]

log = logging.getLogger("ComfyUI-Surrogate")
REFUSE, NEW = "refuse", "start a new study"
MOST_SCORES = 3


@dataclass(frozen=True)
class OpenStudy:
    """What travels on the study wire: the study, its space, and the generation that was asked for, if any."""

    study: Study
    space: SurrogateSpace
    generation: Generation | None = None


def default_storage() -> Path:
    """The file that holds all studies of this ComfyUI."""
    return Path(folder_paths.get_user_directory()) / "surrogate_studies.db"


class StudyNode(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="SurrogateStudy",
            display_name="Surrogate Study",
            category="surrogate/search",
            description="A search of the space for a high (or low) score. It is remembered under its name: stop when "
            "you like, the next run goes on, also after a restart.",
            inputs=[
                wires.Space.Input("space", tooltip="The space to search."),
                io.Latent.Input("latent", tooltip="The latent that will be sampled; the study remembers its size."),
                io.String.Input("name", default="my search", tooltip="Under this name the search is continued."),
                io.Combo.Input(
                    "optimiser",
                    options=list(OPTIMISERS),
                    default=next(iter(OPTIMISERS)),
                    tooltip="cma-es: the best all-rounder. bayesian: a Gaussian process, for few images and up to about "
                    "5 seeds. tpe: another model. sobol, random: no learning. nsga-ii: several scores at once.",
                ),
                io.Int.Input(
                    "budget",
                    default=96,
                    min=1,
                    max=1_000_000,
                    tooltip="Images to spend in all. Raise it later to search on.",
                ),
                io.Int.Input(
                    "population",
                    default=0,
                    min=0,
                    max=10_000,
                    tooltip="Images in a generation. 0: what the optimiser prefers (8 for cma-es).",
                ),
                io.Combo.Input(
                    "direction", options=["maximize", "minimize"], default="maximize", tooltip="What is better."
                ),
                io.Int.Input(
                    "random_seed", default=0, min=0, max=0xFFFFFFFF, tooltip="Another number, another course."
                ),
                io.Combo.Input(
                    "if_it_differs",
                    options=[REFUSE, NEW],
                    default=REFUSE,
                    tooltip="When the name belongs to a search of something else: stop with a message that says what "
                    "differs, or start a new study, numbered.",
                ),
                io.String.Input(
                    "more_directions",
                    default="",
                    optional=True,
                    tooltip="For several scores with nsga-ii: the directions of the second and third, such as minimize.",
                ),
                io.String.Input(
                    "settings",
                    default="",
                    optional=True,
                    tooltip='Settings of the optimiser as JSON, such as {"sigma0": 0.3} for cma-es.',
                ),
                io.String.Input(
                    "database",
                    default="",
                    optional=True,
                    tooltip="Where studies are kept: an SQLAlchemy URL, if several computers share one. Empty: a file "
                    "in ComfyUI's user folder.",
                ),
            ],
            outputs=[wires.Study.Output(display_name="study")],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(
        cls,
        space,
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
    ) -> io.NodeOutput:
        study = Study.open(
            database.strip() or default_storage(),
            name,
            space,
            shape=[list(part) for part in sample_parts(latent)],
            optimiser=optimiser,
            budget=budget,
            population=population or None,
            directions=[direction, *more_directions.replace(",", " ").split()],
            seed=random_seed,
            settings=json_settings(settings, "settings"),
            on_mismatch="new" if if_it_differs == NEW else "refuse",
        )
        warn(cls, study.remarks)
        if not study.remarks:
            tell(cls, study.progress)
        return io.NodeOutput(OpenStudy(study, space))


class Ask(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="SurrogateAsk",
            display_name="Ask",
            category="surrogate/search",
            description="The next generation of a study. Render its points, score the images with any nodes, and "
            "connect the scores to Tell. Each run of the graph is one generation.",
            inputs=[wires.Study.Input("study", tooltip="The study.")],
            outputs=[
                wires.Study.Output(display_name="study", tooltip="For Tell."),
                wires.Points.Output(display_name="points", tooltip="The points to render now."),
                wires.Space.Output(display_name="space"),
            ],
            hidden=[io.Hidden.unique_id],
            not_idempotent=True,
        )

    @classmethod
    def fingerprint_inputs(cls, **_):
        return float("nan")  # another generation each time, although no input changes

    @classmethod
    def execute(cls, study) -> io.NodeOutput:
        generation = study.study.ask()
        asked = replace(study, generation=generation)
        if not len(generation):
            tell(cls, f"{study.study.progress}: nothing to do. Raise the budget to search on.")
            return io.NodeOutput(asked, ExecutionBlocker(None), study.space)
        tell(cls, f"generation {generation.number + 1}: {len(generation)} images")
        return io.NodeOutput(asked, points.from_coordinates(study.space, generation.u), study.space)


class Tell(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        more = [
            io.Float.Input(
                f"scores_{i}",
                optional=True,
                lazy=True,
                force_input=True,
                tooltip="Another score of the same images, for a study of several scores.",
            )
            for i in range(2, MOST_SCORES + 1)
        ]
        return io.Schema(
            node_id="SurrogateTell",
            display_name="Tell",
            category="surrogate/search",
            description="Records the scores of the generation that Ask gave, and shows the best so far.",
            inputs=[
                wires.Study.Input("study", tooltip="From Ask."),
                io.Float.Input(
                    "scores",
                    lazy=True,
                    force_input=True,
                    tooltip="One number for each image, in the points' order, from any node: a list.",
                ),
                io.Boolean.Input(
                    "until_finished",
                    default=False,
                    tooltip="Run the graph again and again until the budget is spent; Cancel stops it. What follows "
                    "this node then runs once, at the end, with the best.",
                ),
                io.Image.Input(
                    "images", optional=True, lazy=True, tooltip="The images of the generation, to keep the best one."
                ),
                *more,
            ],
            outputs=[
                wires.Study.Output(display_name="study"),
                wires.Points.Output(display_name="best_points", tooltip="The best point so far."),
                io.Image.Output(display_name="best_image", tooltip="Its image, if images are connected."),
                io.String.Output(display_name="progress"),
                io.Int.Output(display_name="generation", tooltip="Generations so far."),
                io.Boolean.Output(display_name="finished", tooltip="Whether the budget is spent."),
            ],
            hidden=[io.Hidden.unique_id, io.Hidden.prompt, io.Hidden.extra_pnginfo],
            is_input_list=True,
            is_output_node=True,
            not_idempotent=True,
        )

    @classmethod
    def check_lazy_status(cls, study, **inputs):
        # Nothing was asked: nothing needs to be rendered to show the best.
        if not len(study[0].generation or ()):
            return []
        return [name for name, value in inputs.items() if value is None or value == (None,) or value == [None]]

    @classmethod
    def execute(cls, study, scores=None, until_finished=(False,), images=None, **more) -> io.NodeOutput:
        study = study[0]
        generation = study.generation
        if generation is None:
            raise ValueError("study comes straight from the Study node: put Ask between them, and render its points.")
        best_picture = _gallery(study)
        if len(generation):
            columns = [scores, *(more.get(f"scores_{i}") for i in range(2, MOST_SCORES + 1))]
            table = [as_scores(column, len(generation)).tolist() for column in columns if column is not None]
            for column in table:
                warn(cls, filter(None, [not_finite(column)]))
            before = study.study.best
            report = study.study.tell(generation, list(zip(*table)) if len(table) > 1 else table[0])
            if images is not None and report.best is not None and report.best != before:
                _keep(best_picture, report.best, generation, images, study)
        else:
            report = study.study.report()
        for remark in report.remarks:
            log.warning("%s", remark)
        tell(cls, str(report))

        again = until_finished[0] and not report.finished
        if again and len(generation):
            resubmit(cls.hidden.prompt, cls.hidden.extra_pnginfo)
        hold = again or report.best is None
        best = points.from_coordinates(study.space, report.best.u) if not hold else ExecutionBlocker(None)
        picture = None if hold else best_picture.load(report.best.number)
        return io.NodeOutput(
            replace(study, generation=None),
            best,
            ExecutionBlocker(None) if picture is None else as_images([picture]),
            str(report),
            report.generation,
            report.finished,
            ui={"text": [str(report)]},
        )


def _gallery(study: OpenStudy) -> Gallery:
    """Where the best picture of a study is kept between runs."""
    folder = Path(folder_paths.get_user_directory()) / "surrogate_best"
    folder.mkdir(parents=True, exist_ok=True)
    return Gallery(folder, "best", study.study.identity)


def _keep(gallery: Gallery, best, generation: Generation, images, study: OpenStudy) -> None:
    """Save the picture of `best` if it is one of `images`, those of `generation`."""
    pictures = [picture for batch in images for picture in batch]
    if len(pictures) % len(generation):
        raise ValueError(
            f"images holds {len(pictures)} pictures for a generation of {len(generation)} points: connect all of them, "
            "for clips the same number of frames for each. (The scores are recorded.)"
        )
    frames = len(pictures) // len(generation)
    for row in (generation.trials == best.number).nonzero()[0]:
        clip = as_pixels(pictures[row * frames : (row + 1) * frames])
        gallery.save(best.number, clip, {"space": study.space.recipe(), "u": best.u.tolist(), "score": best.score})


def describe_study(study: Study) -> dict:
    """How a study stands, as JSON for API clients."""
    report = study.report()
    best = report.best
    return {
        "name": report.name,
        "finished": report.finished,
        "evaluated": report.evaluated,
        "failed": report.failed,
        "open": report.open,
        "budget": report.budget,
        "generation": report.generation,
        "progress": str(report),
        "space": json.loads(json.dumps(study.definition.space)),
        "best": best
        and {"u": best.u.tolist(), "scores": list(best.scores), "number": best.number, "label": best.label},
    }
