"""Scores that are known before a search, told to its study."""

from __future__ import annotations

from comfy_api.latest import io

from ..surrogate.search import named_faults
from .tools import wires
from .tools.live import keep_pictures
from .tools.notices import say, warn
from .tools.sampling import FAULTS_ADVICE, clips_of, faults_of
from .tools.schema import schema
from .tools.studies import patient_node
from .tools.told_scores import more_scores, score_columns, scores_input

__all__ = ["KnownScores"]


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
                    tooltip="The study, from Surrogate Study. Connect the output of this node "
                    "to Surrogate Ask or Search.",
                ),
                wires.Points.Input("points", tooltip="The points whose scores are known."),
                scores_input(
                    tooltip="One number for each point, in the order of the points, from any node; or a text with one "
                    "number in it, such as Score: 7/10.",
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
    @patient_node
    def execute(cls, study, points, scores, images=None, **more) -> io.NodeOutput:
        opened, known = study[0].present(), points[0]
        if opened.successor:
            raise ValueError(
                f"The study is still scouting ({opened.study.progress}): its space is not made yet, so no point of it "
                "can be known. Connect Known Scores when the scouting is finished."
            )
        table = score_columns(cls, scores, more, len(known))
        faults = [""] * len(known) if images is None else faults_of(images, len(known))
        good = [i for i, fault in enumerate(faults) if not fault]
        if not good:
            raise ValueError(f"All {len(known)} pictures are unusable: of the first, {faults[0]}. {FAULTS_ADVICE}")
        chosen, clips = known.select(good), None
        if images is not None:
            everything = clips_of(images, len(known))
            clips = [everything[i] for i in good]
        opened.study.add_known(chosen.u, table[good], chosen.labels, clips)
        if clips is not None:
            rows = opened.study.history().known_rows(opened.study.points_of(chosen.u))
            keep_pictures(opened, rows, clips, opened.study.best)
        text = f"{len(good)} known scores, {opened.study.progress}"
        if failed := named_faults({label: fault for label, fault in zip(known.labels, faults) if fault}):
            warn(cls, [f"{text}\n{failed} Left out. {FAULTS_ADVICE}"])
        else:
            say(cls, text)
        return io.NodeOutput(opened)
