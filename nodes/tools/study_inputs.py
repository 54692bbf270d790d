"""What every node that opens a study asks for, whatever its space."""

from __future__ import annotations

from pathlib import Path

import folder_paths
from comfy_api.latest import io

from ...surrogate.search import OPTIMISERS
from ...surrogate.settings import json_settings
from .advanced import advanced
from .latents import sample_parts

__all__ = [
    "BETWEEN",
    "default_storage",
    "different_input",
    "pictures_input",
    "progress_outputs",
    "study_inputs",
    "study_options",
]

REFUSE, NEW = "refuse", "start a new study"
# What most people choose, instead of an optimiser's name. They are saved in workflows.
BEYOND, BETWEEN = "beyond the seeds", "between the seeds"
MEANING = {BEYOND: "adaptive", BETWEEN: "cma-es"}


def default_storage() -> Path:
    """The file that holds all studies of this ComfyUI."""
    return Path(folder_paths.get_user_directory()) / "surrogate_studies.db"


def progress_outputs() -> list:
    """How far a search is, for nodes that tell a study."""
    return [
        io.String.Output(
            display_name="progress",
            tooltip="A sentence that says how far the search is and what its best score is.",
        ),
        io.Int.Output(display_name="generation", tooltip="Number of generations so far."),
        io.Boolean.Output(display_name="finished", tooltip="True when the budget is spent."),
    ]


def different_input():
    """Whether the best ones that a node gives shall differ."""
    return io.Boolean.Input(
        "different",
        default=False,
        optional=True,
        tooltip="Off: the n_best best pictures, which are often nearly one picture. On: the best one, and of four times as "
        "many of the best those whose noises differ most, for more variety at slightly lower scores.",
    )


def study_inputs(optimisers=tuple(OPTIMISERS), places=(BEYOND, BETWEEN)) -> list:
    """What is asked of every search, whatever its space, with the choice among `optimisers`, names of the registry.

    Before them come the `places` to search, of BEYOND and BETWEEN; the first one is the default.
    """
    where = {
        BEYOND: f"{BEYOND}: comes closest to a goal, and makes new noises that are no blends of the seeds (adaptive).",
        BETWEEN: f"{BETWEEN}: every candidate is a blend of the seeds (cma-es).",
    }
    populations = ", ".join(f"{OPTIMISERS[name].population} for {name}" for name in optimisers)
    examples = "".join(f", such as {OPTIMISERS[n].example} for {n}" for n in optimisers if OPTIMISERS[n].example)
    several = ", ".join(name for name in optimisers if OPTIMISERS[name].several_scores)
    return [
        io.Latent.Input("latent", tooltip="The latent that will be sampled. The study remembers its size."),
        io.String.Input(
            "name",
            default="my search",
            tooltip="Name of the study, any text. A study of this name is continued; a new name starts a new search.",
        ),
        io.Combo.Input(
            "optimiser",
            options=[*places, *optimisers],
            default=places[0],
            tooltip="Where to search. "
            + " ".join(where[place] for place in places)
            + " Or an optimiser by its name. "
            + " ".join(f"{name}: {OPTIMISERS[name].tooltip}." for name in optimisers),
        ),
        io.Int.Input(
            "budget",
            default=96,
            min=1,
            max=1_000_000,
            tooltip="Number of images to render in all. Raise it later to continue a finished search. With drafts, it is the "
            "steps of so many images: 96 images of 20 steps are 1920 steps.",
        ),
        io.Int.Input(
            "population",
            default=0,
            min=0,
            max=10_000,
            tooltip=f"Number of images in a generation. 0: what the optimiser prefers ({populations}).",
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
            tooltip="The random choices of the optimiser start from this number: the same number gives the same search.",
        ),
        io.Combo.Input(
            "if_it_differs",
            options=[REFUSE, NEW],
            default=REFUSE,
            tooltip="What to do if the name belongs to a study with another space, size, direction, optimiser, random_seed or settings. "
            "refuse: stop with a message that says what differs. start a new study: start one with a number "
            "after the name.",
        ),
        advanced(
            io.String,
            "more_directions",
            default="",
            tooltip=f"For studies with several scores (optimiser {several}): the directions of the second and third "
            "score, such as minimize. Empty: one score.",
        ),
        advanced(
            io.String,
            "settings",
            default="",
            tooltip=f"Settings of the optimiser as JSON{examples}. Empty: its defaults.",
        ),
        advanced(
            io.String,
            "database",
            default="",
            tooltip="Where studies are kept: an SQLAlchemy URL if several computers share one, or ${NAME} for the URL "
            "that the environment variable NAME has, so that no password is in the workflow. Empty: the file "
            "surrogate_studies.db in ComfyUI's user folder.",
        ),
    ]


def pictures_input() -> io.String.Input:
    """Where the pictures of a study are kept. It comes last: saved workflows have the widgets before it."""
    return advanced(
        io.String,
        "pictures",
        default="",
        tooltip="Where all computers that share the study keep its pictures, so that each shows those of the others. "
        "database: in the study's database. Or a folder that all of them reach, or s3://bucket/folder. ${NAME}: what the "
        "environment variable NAME says. Empty: each keeps its own, in ComfyUI's user folder.",
    )


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
    pictures="",
) -> dict:
    """The values of `study_inputs` and of `pictures_input` as arguments of `Study.open`."""
    return {
        "storage": database.strip() or default_storage(),
        "name": name,
        "shape": [list(part) for part in sample_parts(latent)],
        "optimiser": MEANING.get(optimiser, optimiser),
        "budget": budget,
        "population": population or None,
        "directions": [direction, *more_directions.replace(",", " ").split()],
        "seed": random_seed,
        "settings": json_settings(settings, "settings"),
        "on_mismatch": "new" if if_it_differs == NEW else "refuse",
        "pictures": pictures,
    }
