"""Scout: a search that finds its own seeds."""

from __future__ import annotations

import logging

from comfy_api.latest import io

from ..surrogate import CHARTS, SurrogateSpace
from ..surrogate.search import OPTIMISERS, OpenStudy, Scouting, Successor, scouting_name
from .study import remember_opened, say_opened, study_inputs, study_options, times_deleted
from .tools import wires
from .tools.advanced import advanced
from .tools.live import album_of, copy_pictures

__all__ = ["Scout"]

log = logging.getLogger("ComfyUI-Surrogate")
CHART = next(iter(CHARTS))


class Scout(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        # One that widens its space scouts by itself.
        latent, name, *others = study_inputs([name for name, made in OPTIMISERS.items() if not made.widens])
        return io.Schema(
            node_id="SurrogateScout",
            display_name="Surrogate Scout",
            category="surrogate/search",
            description="A search that finds its own seeds: first it tries random noises, then it searches the space "
            "that the best of them span. In place of Surrogate Study, if you have no seeds that you like.",
            inputs=[
                latent,
                name,
                io.Int.Input(
                    "first_seed",
                    default=0,
                    min=0,
                    max=0xFFFFFFFF,
                    tooltip="The noises of this integer seed and those after it are tried. Another number, other noises.",
                ),
                io.Int.Input(
                    "seeds", default=16, min=2, max=512, tooltip="How many of the noises become seeds of the space."
                ),
                io.Float.Input(
                    "share",
                    default=0.33,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Part of the budget that is spent on trying noises, at least as many as seeds, at most 512. "
                    "Decided when the search begins.",
                ),
                io.Float.Input(
                    "diversity",
                    default=0.3,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    tooltip="How much it counts that the seeds' pictures differ. 0: those of the best scores. 1: the "
                    "best, then those least like the ones chosen, whatever their scores. With Ask and Tell it needs "
                    "images at Tell.",
                ),
                *others,
                advanced(
                    io.Combo,
                    "chart",
                    options=list(CHARTS),
                    default=CHART,
                    tooltip="The chart of the space that the seeds span, as in Surrogate Space.",
                ),
            ],
            outputs=[
                wires.Study.Output(
                    display_name="study", tooltip="For Ask, Search or Study Report; the same wire for both phases."
                )
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def fingerprint_inputs(cls, name, database="", **_):
        return times_deleted(name, database) + times_deleted(scouting_name(name), database)

    @classmethod
    def execute(cls, name, first_seed, seeds, share, diversity, chart=CHART, database="", **inputs) -> io.NodeOutput:
        scouting = Scouting.open(
            first=first_seed,
            k=seeds,
            share=share,
            diversity=diversity,
            chart=chart,
            **study_options(name=name, database=database, **inputs),
        )
        remember_opened(scouting.study, scouting_name(name), database)
        following = Successor(scouting, _opening(name, database))
        opened = OpenStudy(scouting.study, scouting.space, successor=following).present()
        remarks = scouting.remarks + (() if opened.successor else opened.study.remarks)
        say_opened(cls, opened, remarks)
        return io.NodeOutput(opened)


def _opening(name: str, database: str):
    """What opens the search that follows the scouting of the search `name`."""

    def open_search(scouting: Scouting) -> OpenStudy:
        study = scouting.search(album_of(scouting.study).small)
        remember_opened(study, name, database)
        for remark in study.remarks:
            log.warning("%s", remark)
        opened = OpenStudy(study, SurrogateSpace.from_recipe(study.definition.space))
        copy_pictures(scouting.study, opened, scouting.places(study))
        return opened

    return open_search
