"""Ask and Tell: one generation of a search for each run of the graph, with any nodes in between."""

from __future__ import annotations

import logging
from dataclasses import replace

from comfy_api.latest import io
from comfy_execution.graph import ExecutionBlocker

from ..surrogate import points
from ..surrogate.search import named_faults, reasons_of, without_faulty
from .tools import wires
from .tools.asked import still_wanted, usable_pictures
from .tools.live import Live, album_of, keep_pictures
from .tools.notices import say, warn
from .tools.picking import tell_carried
from .tools.resubmit import resubmit
from .tools.sampling import FAULTS_ADVICE, as_images
from .tools.schema import schema
from .tools.studies import note_graph, patient_node
from .tools.study_inputs import progress_outputs
from .tools.told_scores import more_scores, score_columns, scores_input

__all__ = ["Ask", "Tell"]

log = logging.getLogger("ComfyUI-Surrogate")


class Ask(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateAsk",
            display_name="Surrogate Ask",
            search_aliases=["evolve", "genetic", "optimize", "next generation", "interactive evolution"],
            category="surrogate/search",
            description="Gives the next generation of a study: the points to render now. Render them, score the "
            "images with any nodes, and connect the scores to Surrogate Tell, or choose among them in Surrogate Pick. Each "
            "run of the workflow is one generation.",
            inputs=[
                wires.Study.Input("study", tooltip="The study, from Surrogate Study, Surrogate Scout or Known Scores.")
            ],
            outputs=[
                wires.Study.Output(
                    display_name="study", tooltip="The study with this generation, for Surrogate Tell or Pick."
                ),
                wires.Points.Output(display_name="points", tooltip="The points to render now."),
                wires.Space.Output(display_name="space", tooltip="The space of these points, for Surrogate Noise."),
            ],
            hidden=[io.Hidden.unique_id, io.Hidden.prompt, io.Hidden.extra_pnginfo],
            not_idempotent=True,
        )

    @classmethod
    def fingerprint_inputs(cls, **_):
        return float("nan")  # another generation each time, although no input changes

    @classmethod
    @patient_node
    def execute(cls, study) -> io.NodeOutput:
        study = tell_carried(cls, study.present())
        generation = study.study.ask()
        asked = replace(study, generation=generation)
        if not len(generation):
            report = study.study.report()
            if study.successor and report.finished:
                study.successor()  # says why no search can follow
            hint = "Other workers are rendering the rest." if report.open else "Raise the budget to search on."
            say(cls, f"{study.progress(report)}: nothing to do. {hint}")
            return io.NodeOutput(asked, ExecutionBlocker(None), study.space)
        phase = "scouting, " if study.successor else ""
        say(cls, f"{phase}generation {generation.number + 1}: {len(generation)} images")
        return io.NodeOutput(asked, points.from_coordinates(study.space, generation.u), study.space)


class Tell(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateTell",
            display_name="Surrogate Tell",
            search_aliases=["fitness", "reward", "feedback", "score images", "optimize"],
            category="surrogate/search",
            description="Records the scores of the generation that Surrogate Ask gave, and shows the best picture so "
            "far.",
            inputs=[
                wires.Study.Input("study", tooltip="The study, from Surrogate Ask."),
                scores_input(
                    lazy=True,
                    tooltip="One number for each image, in the order of the points, from any node; or a text with one "
                    "number in it, such as Score: 7/10. A text without a number is a failed image. One number for a "
                    "whole batch is refused.",
                ),
                io.Boolean.Input(
                    "until_finished",
                    default=False,
                    tooltip="On: the workflow runs again and again until the budget is spent; Cancel stops it. Nodes "
                    "after this one then run once, at the end, with the best picture. Off: each run is one "
                    "generation.",
                ),
                io.Image.Input(
                    "images",
                    optional=True,
                    lazy=True,
                    tooltip="The images of the generation. The best one is shown and kept, reports show them, and "
                    "the optimiser adaptive learns from them.",
                ),
                *more_scores(lazy=True),
            ],
            outputs=[
                wires.Study.Output(
                    display_name="study",
                    tooltip="The study, for Surrogate Study Report or a loop. With until_finished, only at the end.",
                ),
                wires.Points.Output(display_name="best_points", tooltip="The best point so far."),
                io.Image.Output(
                    display_name="best_image",
                    tooltip="The picture of the best point, if images are connected; 8 bits for each colour.",
                ),
                *progress_outputs(),
            ],
            hidden=[io.Hidden.unique_id, io.Hidden.prompt, io.Hidden.extra_pnginfo],
            is_input_list=True,
            is_output_node=True,
            not_idempotent=True,
        )

    @classmethod
    def check_lazy_status(cls, study, **inputs):
        return still_wanted(study, inputs)

    @classmethod
    @patient_node
    def execute(cls, study, scores=None, until_finished=(False,), images=None, **more) -> io.NodeOutput:
        opened = study[0]
        generation = opened.generation
        if generation is None:
            raise ValueError(
                "study comes directly from Surrogate Study: put Surrogate Ask between the two, and render its points."
            )
        report, failed = opened.study.report(), ""
        if len(generation):
            clips, faults = usable_pictures(images, len(generation))
            told = without_faulty(score_columns(cls, scores, more, len(generation)), faults)
            warn(cls, note_graph(cls, opened.study))
            report = opened.study.tell(generation, told, reasons_of(faults), clips)
            good = [i for i, clip in enumerate(clips) if clip is not None]
            keep_pictures(opened, generation.trials[good], [clips[i] for i in good], report.best)
            failed = named_faults({f"image {label}": fault for label, fault in zip(generation.labels, faults) if fault})
        for remark in report.remarks:
            log.warning("%s", remark)
        # What has just ended may have a successor: from here on it is about that.
        present = opened.present()
        if present is not opened:
            warn(cls, note_graph(cls, present.study))
            report = present.study.report()
        text, finished = present.progress(report), present.finished(report)
        if failed:
            text += f"\n{failed} {FAULTS_ADVICE}"
        say(cls, text)

        again = until_finished[0] and not finished
        if again and cls.hidden.unique_id not in cls.hidden.prompt:  # a copy that a loop has made
            warn(cls, ["until_finished: the loop around Ask and Tell does the repeating; switch it off there."])
            again = False
        if again and (len(generation) or opened.drafted or present is not opened):
            resubmit(cls.hidden.prompt, cls.hidden.extra_pnginfo)
        live = Live(opened.study).shown(generation.trials, always=not again)
        hold = ExecutionBlocker(None)
        best = None if again else report.best
        picture = None if best is None else album_of(present.study).whole(best.number)
        return io.NodeOutput(
            hold if again else replace(present, generation=None),
            hold if best is None else points.from_coordinates(present.space, best.u),
            hold if picture is None else as_images([picture]),
            text,
            report.generation,
            finished,
            ui={"text": [text], "images": live},
        )
