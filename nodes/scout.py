"""Scout: a search that finds its own seeds."""

from __future__ import annotations

import logging

from comfy_api.latest import io

from ..surrogate import CHARTS, space_from_recipe
from ..surrogate.search import OPTIMISERS, OpenStudy, Scouting, Successor, scouting_name
from .tools import wires
from .tools.advanced import advanced
from .tools.live import album_of, copy_pictures
from .tools.schema import schema
from .tools.studies import advised, opened_studies, patient_node, say_opened
from .tools.study_inputs import BETWEEN, pictures_input, study_inputs, study_options

__all__ = ["Scout"]

log = logging.getLogger("ComfyUI-Surrogate")
CHART = next(iter(CHARTS))


class Scout(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        # One that widens its space scouts by itself.
        named = [name for name, made in OPTIMISERS.items() if not made.widens]
        latent, name, *others = study_inputs(named, (BETWEEN,))
        return schema(
            node_id="SurrogateScout",
            display_name="Surrogate Scout",
            search_aliases=["seed hunt", "best of n", "find good seeds", "random seed search"],
            category="surrogate/search",
            description="Starts a search that finds its own seeds: it tries random noises first, keeps the best of "
            "them as seeds, and then searches the space of these seeds. Use it in place of Surrogate Space and "
            "Surrogate Study if you have no seeds that you like and want a space to explore afterwards. To come as close "
            "to a goal as possible, use Surrogate Study with any seeds and the choice: beyond the seeds.",
            inputs=[
                latent,
                name,
                io.Int.Input(
                    "first_seed",
                    default=0,
                    min=0,
                    max=0xFFFFFFFF,
                    tooltip="The first integer seed to try; the following integers are tried after it. Another "
                    "number tries other noises.",
                ),
                io.Int.Input(
                    "seeds",
                    default=16,
                    min=2,
                    max=512,
                    tooltip="Number of tried noises that become seeds of the space. Few seeds suit small budgets and "
                    "the optimiser bayesian.",
                ),
                io.Float.Input(
                    "share",
                    default=0.33,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Part of the budget that is spent on trying noises: at least as many as seeds, at most "
                    "512. It is fixed when the search begins. 0: as few noises as possible. 1: nearly the whole "
                    "budget.",
                ),
                io.Float.Input(
                    "diversity",
                    default=0.3,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    tooltip="How much the pictures of the seeds should differ. 0: the noises with the best scores "
                    "become seeds. 1: the best one, then always the one least like those chosen, whatever its score. "
                    "With Surrogate Ask and Tell, connect images to Tell for this.",
                ),
                *others,
                advanced(
                    io.Combo,
                    "chart",
                    options=list(CHARTS),
                    default=CHART,
                    tooltip="The chart of the space of these seeds, as in Surrogate Space.",
                ),
                pictures_input(),
            ],
            outputs=[
                wires.Study.Output(
                    display_name="study",
                    tooltip="The study, for Surrogate Ask, Search or Study Report: first the trying of noises, then "
                    "the search.",
                )
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def fingerprint_inputs(cls, name, database="", **_):
        return opened_studies.times_deleted(name, database) + opened_studies.times_deleted(
            scouting_name(name), database
        )

    @classmethod
    @patient_node
    def execute(cls, name, first_seed, seeds, share, diversity, chart=CHART, database="", **inputs) -> io.NodeOutput:
        with advised():
            scouting = Scouting.open(
                first=first_seed,
                k=seeds,
                share=share,
                diversity=diversity,
                chart=chart,
                **study_options(name=name, database=database, **inputs),
            )
        opened_studies.remember(scouting.study, scouting_name(name), database)
        following = Successor(scouting, _opening(name, database))
        opened = OpenStudy(scouting.study, scouting.space, successor=following).present()
        remarks = scouting.remarks + (() if opened.successor else opened.study.remarks)
        say_opened(cls, opened, remarks, database)
        return io.NodeOutput(opened)


def _opening(name: str, database: str):
    """What opens the search that follows the scouting of the search `name`."""

    def open_search(scouting: Scouting) -> OpenStudy:
        with advised():
            study = scouting.search(album_of(scouting.study).small)
        opened_studies.remember(study, name, database)
        for remark in study.remarks:
            log.warning("%s", remark)
        opened = OpenStudy(study, space_from_recipe(study.definition.space))
        copy_pictures(scouting.study, opened, scouting.places(study))
        return opened

    return open_search
