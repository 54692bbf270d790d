"""Studies: searches that are remembered."""

from __future__ import annotations

from comfy_api.latest import io

from ..surrogate.search import OpenStudy, Study
from .tools import wires
from .tools.schema import schema
from .tools.studies import advised, opened_studies, patient_node, say_opened
from .tools.study_inputs import pictures_input, study_inputs, study_options

__all__ = ["StudyNode"]


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
            inputs=[wires.Space.Input("space", tooltip="The space to search."), *study_inputs(), pictures_input()],
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
        return opened_studies.times_deleted(name, database)  # then it is opened anew

    @classmethod
    @patient_node
    def execute(cls, space, name, database="", **inputs) -> io.NodeOutput:
        with advised():
            study = Study.open(space=space, **study_options(name=name, database=database, **inputs))
        opened_studies.remember(study, name, database)
        opened = OpenStudy(study, study.space or space)
        say_opened(cls, opened, study.remarks, database)
        return io.NodeOutput(opened)
