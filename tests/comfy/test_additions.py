"""An optimiser and a score, each added by its file and its line alone: in the drop-downs, at work, and under the laws."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dev.client import Client
from dev.server import ROOT, Server

from .conftest import Comfy
from .graph import Graph

OPTIMISER = '''
"""Points of a lattice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .base import Optimiser, Proposal, generator

__all__ = ["Lattice"]


@dataclass(frozen=True)
class Lattice(Optimiser):
    """Multiples of irrational numbers, from a random start."""

    name: ClassVar[str] = "lattice"
    tooltip: ClassVar[str] = "as evenly as tiles"
    population: ClassVar[int] = 6

    step: float = 1.0

    def propose(self, history, run, generation, indices, population, seed, memory):
        d = history.u.shape[1]
        places = (~history.known).sum() + np.arange(len(indices))[:, None]
        start = generator(seed).random(d)
        return Proposal((start + self.step * places * np.sqrt(2 + np.arange(d) * np.pi)) % 1.0)
'''
SCORES = '''
"""How warm a picture is, and how close its mean colour is to that of a target."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from .base import Score, Statistic
from .images import check_target

__all__ = ["MatchMean", "Warmth"]


@dataclass(frozen=True)
class Warmth(Statistic):
    """Mean of red less blue."""

    name = "warmth"
    tooltip = "how much more red than blue there is"

    def _measure(self, picture):
        red, _, blue = picture.mean(axis=(0, 1))
        return float(red - 0.9 * blue)


@dataclass(frozen=True, eq=False)
class MatchMean(Score):
    """Negative distance of the mean colours."""

    target: torch.Tensor = field(repr=False)

    name = "match_mean"
    tooltip = "the mean colours"
    needs_target = True

    def __post_init__(self):
        object.__setattr__(self, "_mean", check_target(self.target).mean(axis=(0, 1)))

    def _for_size(self, height, width):
        return lambda picture: -float(abs(picture.mean(axis=(0, 1)) - self._mean).sum())
'''


def add(registry: Path, module: str, text: str, lines: dict[str, str]) -> None:
    """Write a module beside a `registry`, its import, and its entries: after each key of `lines` its value."""
    registry.with_name(f"{module}.py").write_text(text.lstrip(), "utf-8")
    before = registry.read_text("utf-8")
    for place, entry in lines.items():
        assert before.count(place) == 1
        before = before.replace(place, place + entry)
    registry.write_text(before, "utf-8")


@pytest.fixture(scope="module")
def pack(tmp_path_factory) -> Path:
    """A copy of the pack with the additions."""
    copy = tmp_path_factory.mktemp("pack") / "ComfyUI-Surrogate"
    shutil.copytree(
        ROOT, copy, ignore=shutil.ignore_patterns(".*", "__pycache__", "node_modules", "benchmarks", "docs")
    )
    add(
        copy / "surrogate" / "search" / "optimisers" / "__init__.py",
        "lattice",
        OPTIMISER,
        {"from .designs import Random, Sobol\n": "from .lattice import Lattice\n", "o.name: o for o in (": "Lattice, "},
    )
    add(
        copy / "surrogate" / "scores" / "__init__.py",
        "warmth",
        SCORES,
        {
            "from .values import OneScore, as_scores, not_finite\n": "from .warmth import MatchMean, Warmth\n",
            "s.name: s for s in (MatchImage,": " MatchMean,",
            "s.name: s for s in (Brightness,": " Warmth,",
        },
    )
    return copy


@pytest.fixture(scope="module")
def extended(pack):
    with Server("additions", packs=[pack], arguments=["--cpu"]) as server:
        yield Comfy(server, Client(server.url))


def choices(comfy, node: str, name: str) -> tuple[list, str]:
    """What the drop-down `name` of a node offers, and its tooltip."""
    kind, settings = comfy.client.object_info(node)[node]["input"]["required"][name]
    return (kind if isinstance(kind, list) else settings["options"]), settings["tooltip"]


@pytest.mark.parametrize(
    ("node", "name", "added", "tooltip"),
    [
        ("SurrogateStudy", "optimiser", "lattice", "as evenly as tiles"),
        ("SurrogateScout", "optimiser", "lattice", "as evenly as tiles"),
        ("SurrogatePictureStatistics", "statistic", "warmth", "how much more red than blue there is"),
        ("SurrogateMatchImage", "method", "match_mean", "the mean colours"),
    ],
)
def test_what_was_added_is_in_the_drop_down_with_its_own_words(extended, node, name, added, tooltip):
    offered, said = choices(extended, node, name)
    assert added in offered and len(offered) > 3
    assert f"{added}: {tooltip}." in said


def test_the_population_is_the_optimisers_own(extended):
    _, settings = extended.client.object_info("SurrogateStudy")["SurrogateStudy"]["input"]["required"]["population"]
    assert "6 for lattice" in settings["tooltip"]


def test_what_was_added_searches(extended):
    g = Graph(extended)
    model, vae, conditioning, latent = g.demo()
    node = g(
        "SurrogateSearch",
        **g.sampling(model, conditioning),
        latent=latent,
        vae=vae,
        study=g("SurrogateStudy", space=g.space("1, 2, 3"), latent=latent, optimiser="lattice", budget=6),
        scorer=g("SurrogatePictureStatistics", statistic="warmth")[1],
        score_seeds=False,
        n_best=6,
    )
    g("SurrogateMatchImage", target=node[1], method="match_mean", images=node[2])
    texts = [text for out in g.run()["outputs"].values() for text in out.get("text", [])]
    assert texts and texts[0].startswith("6 of 6 images, generation 1, best ")


def test_what_was_added_is_under_the_laws(pack):
    files = ("tests/surrogate/search/test_optimisers.py", "tests/surrogate/scores/test_laws.py")
    done = subprocess.run(
        [sys.executable, "dev/launch.py", "-m", "pytest", "-q", "-k", "lattice or warmth or match_mean", *files],
        cwd=pack,
        env={**os.environ, "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed and int(passed[1]) > 60


def test_the_laws_find_an_optimiser_that_breaks_them(pack):
    """Otherwise the test above proves nothing."""
    file = pack / "surrogate" / "search" / "optimisers" / "lattice.py"
    right = file.read_text("utf-8")
    file.write_text(right.replace("generator(seed).random(d)", "np.random.random(d)"), "utf-8")
    try:
        done = subprocess.run(
            [
                sys.executable,
                "dev/launch.py",
                "-m",
                "pytest",
                "-q",
                "-k",
                "lattice",
                "tests/surrogate/search/test_optimisers.py",
            ],
            cwd=pack,
            env={**os.environ, "PYTHONUTF8": "1"},
            capture_output=True,
            text=True,
            timeout=600,
        )
    finally:
        file.write_text(right, "utf-8")
    assert "FAILED" in done.stdout and "test_global_chance_is_left_alone[lattice]" in done.stdout
