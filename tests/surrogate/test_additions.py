"""A chart and a transport of one's own: a file and a line in the registry, and everything knows them.

Each is written as a user would, into a copy of the pack; the copy's own tests of the laws then hold it to them, and its
nodes offer it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dev.server import comfyui_folder

COPIED = ("surrogate", "nodes", "demo", "dev", "__init__.py", "pyproject.toml", "run.py", "requirements.txt")
TESTS = ("conftest.py", "surrogate/test_charts.py", "surrogate/test_transports.py", "surrogate/test_space.py")

CHART = '''
"""Hyperspherical angles that grow with the square of their coordinate."""

import numpy as np

from .base import Chart

__all__ = ["Squared"]


class Squared(Chart):
    """θ_i = πu_i²/2, but for the last one, θ = πu/2: w_i = cos θ_i ∏_{j<i} sin θ_j, w_k = ∏_j sin θ_j."""

    name = "squared"

    def _weights(self, u):
        turns = u**2
        turns[..., -1] = u[..., -1]
        w = np.cumprod(np.concatenate([np.ones_like(u[..., :1]), np.sin(np.pi / 2 * turns)], axis=-1), axis=-1)
        w[..., :-1] *= np.sin(np.pi / 2 * (1 - turns))
        return w / np.linalg.norm(w, axis=-1, keepdims=True)

    def _coordinates(self, w):
        left = np.sqrt(np.cumsum(w[..., ::-1] ** 2, axis=-1)[..., ::-1])
        turns = np.where(left[..., :-1] > 0, np.arctan2(left[..., 1:], w[..., :-1]) * (2 / np.pi), 1.0)
        return np.concatenate([np.sqrt(turns[..., :-1]), turns[..., -1:]], axis=-1)
'''

TRANSPORT = '''
"""Latents whose logarithm is normal."""

import torch

from .base import Example, Transport

__all__ = ["LogNormal"]


class LogNormal(Transport):
    """z = exp(σ xi) with xi ~ N(0, 1)."""

    name = "log_normal"
    by_value = True

    def __init__(self, sigma: float = 1.0):
        self.sigma = float(sigma)

    @classmethod
    def examples(cls):
        return [Example(cls(0.5), lambda rng, n: torch.from_numpy(rng.lognormal(0, 0.5, (n, 3, 4))).float())]

    def settings(self):
        return {"sigma": self.sigma}

    def forward(self, z, first=None):
        return z.log() / self.sigma

    def inverse(self, xi, power=None):
        return (xi * self.sigma).exp()
'''
# An error that a law finds: the first coordinate's vertex is missed by a little, the blend has another distribution.
BROKEN_CHART = CHART.replace("np.sin(np.pi / 2 * (1 - turns))", "np.cos(np.pi / 2 * turns)")
BROKEN_TRANSPORT = TRANSPORT.replace("return z.log() / self.sigma", "return z.log()")


@pytest.fixture(scope="module")
def pack(root, tmp_path_factory) -> Path:
    """A copy of the pack with the two additions."""
    copy = tmp_path_factory.mktemp("additions") / "pack"
    for name in COPIED:
        source, target = root / name, copy / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.safetensors"))
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    for name in TESTS:
        (copy / "tests" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / "tests" / name, copy / "tests" / name)
    add(copy / "surrogate" / "charts", "squared", CHART, "Squared", "Angular(),", "Squared(),")
    add(
        copy / "surrogate" / "transports",
        "log_normal",
        TRANSPORT,
        "LogNormal",
        "Composite,\n    )",
        "LogNormal,\n    )",
    )
    return copy


def add(folder: Path, name: str, source: str, thing: str, last: str, line: str) -> None:
    """The file, its import, and its line in the registry behind the `last` one."""
    (folder / f"{name}.py").write_text(source.lstrip(), "utf-8")
    registry = (folder / "__init__.py").read_text("utf-8")
    before, found, after = registry.rpartition(last)
    assert found, f"{folder.name}/__init__.py has no line {last!r}"
    entry = last.replace(last.split("\n")[0], f"{last.splitlines()[0]}\n        {line.splitlines()[0]}", 1)
    text = f"{before}{entry}{after}".replace("\n\n__all__", f"\nfrom .{name} import {thing}\n\n__all__", 1)
    (folder / "__init__.py").write_text(text, "utf-8")


def python(pack: Path, *arguments: str) -> subprocess.CompletedProcess:
    environment = {
        **os.environ,
        "PYTHONPATH": "",
        "PYTHONDONTWRITEBYTECODE": "1",
        "SURROGATE_COMFYUI": str(comfyui_folder()),
    }
    launch = [sys.executable, str(pack / "dev" / "launch.py"), *arguments]
    return subprocess.run(launch, capture_output=True, encoding="utf-8", cwd=pack, env=environment, timeout=600)


def laws(pack: Path, which: str) -> str:
    """What pytest says of each law, in a line a test."""
    files = [f"tests/surrogate/{name}.py" for name in ("test_charts", "test_transports", "test_space")]
    return python(pack, "-m", "pytest", "-v", "--tb=no", "-p", "no:cacheprovider", *files, "-k", which).stdout


def test_a_space_takes_them(pack):
    program = """
import json, sys
sys.path.append(".")
import numpy as np
from surrogate import CHARTS, TRANSPORTS, Seeds, SurrogateSpace, make_transport, points, space_from_recipe
(example,) = TRANSPORTS["log_normal"].examples()
seeds = Seeds.from_tensors(example.draw(np.random.default_rng(0), 5), ["1", "2", "3", "4", "5"])
space = SurrogateSpace(seeds, "squared", make_transport("log_normal", sigma=0.5))
made = points.corners(space, columns=3, rows=3)
again = space_from_recipe(json.loads(json.dumps(space.recipe())), {seed.checksum: seed for seed in seeds})
same = bool((again.combine(made.w) == space.combine(made.w)).all())
print(json.dumps([list(CHARTS), list(TRANSPORTS), made.marks[0], same]))
"""
    (pack / "try.py").write_text(program, "utf-8")
    done = python(pack, "try.py")
    assert done.returncode == 0, done.stderr
    charts, transports, mark, same = json.loads(done.stdout)
    assert "squared" in charts and "log_normal" in transports and mark == "seed 1" and same


def test_the_nodes_offer_them(pack, schemas):
    done = python(pack, "dev/schemas.py")
    assert done.returncode == 0, done.stderr
    for node, name, new in (
        ("SurrogateSpace", "chart", "squared"),
        ("SurrogateScout", "chart", "squared"),
        ("SurrogateSpace", "transport", "log_normal"),
    ):
        theirs, ours = (options(found[node], name) for found in (json.loads(done.stdout), schemas))
        assert set(theirs) - set(ours) == {new}


def options(node: dict, name: str) -> list[str]:
    described = (node["input"]["required"] | node["input"].get("optional", {}))[name]
    return described[1]["options"] if described[0] == "COMBO" else described[0]


def test_the_laws_are_asked_of_them(pack):
    said = [line for line in laws(pack, "squared or log_normal").splitlines() if line.endswith("%]")]
    assert [line for line in said if " PASSED" not in line] == []
    for file, name, least in (
        ("test_charts.py", "squared", 40),
        ("test_transports.py", "log_normal", 7),
        ("test_space.py", "log_normal", 7),
    ):
        assert sum(file in line and name in line for line in said) >= least


def test_the_laws_find_an_error(pack):
    broken = {"charts/squared.py": BROKEN_CHART, "transports/log_normal.py": BROKEN_TRANSPORT}
    good = {name: (pack / "surrogate" / name).read_text("utf-8") for name in broken}
    try:
        for name, source in broken.items():
            (pack / "surrogate" / name).write_text(source.lstrip(), "utf-8")
        said = laws(pack, "squared and vertices_are_exact or log_normal and there_and_back")
    finally:
        for name, source in good.items():
            (pack / "surrogate" / name).write_text(source, "utf-8")
    failed = [line for line in said.splitlines() if " FAILED" in line]
    assert any("squared" in line for line in failed) and any("log_normal" in line for line in failed)
