"""What each seed contributes to a search, and which to drop, keep or replace."""

import torch
from comfy_api.latest import io

from ..surrogate import Seeds
from ..surrogate.search import utility
from .tools import wires
from .tools.notices import say
from .tools.schema import schema

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
            description="How much each seed contributes to a search, and which to keep, drop or replace. During or "
            "after a search; it needs no more images.",
            inputs=[
                wires.Study.Input("study", tooltip="From Search or Tell; straight from the Study node at any time."),
                io.Int.Input(
                    "score",
                    default=1,
                    min=1,
                    max=3,
                    tooltip="Of a study with several scores, the one to look at. 1: the first.",
                ),
            ],
            outputs=[
                io.String.Output(
                    display_name="advice",
                    tooltip="What to do with all seeds in a few sentences, then with each and why.",
                ),
                io.String.Output(display_name="table", tooltip="Every number, with what it means. Text and Markdown."),
                io.Image.Output(
                    display_name="picture",
                    tooltip="A row for each seed: whether its share goes with the score (grey: chance), what is lost "
                    "without it, the advice.",
                ),
                wires.Seeds.Output(
                    display_name="seeds",
                    tooltip="The seeds to go on with: all but those to drop or replace, in their order, at least two. "
                    "For another Surrogate Space.",
                ),
                io.Int.Output(display_name="keep", tooltip="How many these are."),
            ],
            hidden=[io.Hidden.unique_id],
            is_output_node=True,
            not_idempotent=True,
        )

    @classmethod
    def fingerprint_inputs(cls, **_):
        return float("nan")  # the study goes on although no input changes

    @classmethod
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
        shown = utility.summary(found, SHOWN)
        say(cls, shown)
        return io.NodeOutput(
            utility.summary(found),
            utility.table(found),
            torch.from_numpy(utility.picture(found, title=f"{study.study.name}: seeds")).float()[None] / 255,
            kept,
            len(kept),
            ui={"text": [shown]},
        )
