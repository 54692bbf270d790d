"""What each seed contributes to a search, and which to drop, keep or replace."""

import torch
from comfy_api.latest import io

from ..surrogate import Seeds
from ..surrogate.search import faults_in, named_faults, utility
from .tools import wires
from .tools.notices import say
from .tools.schema import schema
from .tools.studies import patient_node

__all__ = ["SeedUtility"]

SHOWN = 6


class SeedUtility(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateSeedUtility",
            display_name="Surrogate Seed Utility",
            search_aliases=["seed importance", "useful seeds", "drop seeds"],
            category="surrogate/search",
            description="Says how much each seed contributes to a search, and which seeds to keep, drop or replace. "
            "It works during and after a search and renders nothing. Pictures that failed (NaN or infinite) are named; "
            "they have no score and say nothing of a seed.",
            inputs=[
                wires.Study.Input(
                    "study",
                    tooltip="The study, from Surrogate Search or Tell. Connected directly to Surrogate Study, it "
                    "reports at any time.",
                ),
                io.Int.Input(
                    "score",
                    default=1,
                    min=1,
                    max=3,
                    tooltip="For a study with several scores, the number of the score to examine, counted from 1.",
                ),
            ],
            outputs=[
                io.String.Output(
                    display_name="advice",
                    tooltip="What to do with all seeds in a few sentences, then with each seed and why.",
                ),
                io.String.Output(
                    display_name="table", tooltip="All numbers with their meaning. Readable as text and as Markdown."
                ),
                io.Image.Output(
                    display_name="picture",
                    tooltip="One row for each seed: whether more of it gives a better score (grey: by chance), how "
                    "much score is lost without it, and the advice.",
                ),
                wires.Seeds.Output(
                    display_name="seeds",
                    tooltip="The seeds to continue with, in their order: all except those to drop or replace, at "
                    "least two. Connect to another Surrogate Space.",
                ),
                io.Int.Output(display_name="keep", tooltip="Number of seeds at the seeds output."),
            ],
            hidden=[io.Hidden.unique_id],
            is_output_node=True,
            not_idempotent=True,
        )

    @classmethod
    def fingerprint_inputs(cls, **_):
        return float("nan")  # the study continues although no input changes

    @classmethod
    @patient_node
    def execute(cls, study, score) -> io.NodeOutput:
        study = study.present()
        history = study.study.history()
        scores = len(history.directions)
        if score > scores:
            raise ValueError(
                f"score is {score}, but the study {study.study.name!r} has {scores}: choose a number from 1 to "
                f"{scores}."
            )
        found = utility.seed_utility(history, study.space, score - 1)
        kept = Seeds(tuple(study.space.seeds[i] for i in found.kept))
        failed = named_faults(faults_in(history))
        advice, shown = ("\n".join(filter(None, [utility.summary(found, count), failed])) for count in (None, SHOWN))
        say(cls, shown)
        return io.NodeOutput(
            advice,
            utility.table(found),
            torch.from_numpy(utility.drawing(found, title=f"{study.study.name}: seeds")).float()[None] / 255,
            kept,
            len(kept),
            ui={"text": [shown]},
        )
