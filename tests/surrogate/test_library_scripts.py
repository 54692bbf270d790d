"""The scripts of docs/library run, and find what they say they find."""

import re
import runpy
import sys

import numpy as np
import pytest
from scipy import stats


@pytest.fixture
def run(root, capsys, monkeypatch):
    """Runs a script as Python would, as if the packages named behind it were not installed; what it prints."""

    def run(name: str, *lacking: str) -> str:
        for package in lacking:
            monkeypatch.setitem(sys.modules, package, None)
        runpy.run_path(str(root / "docs" / "library" / name), run_name="__main__")
        return capsys.readouterr().out

    return run


def test_protein_frames(run):
    said = run("protein_frames.py")
    assert said.endswith("The space's points are valid starts; plain averages are not.\n")
    space, averages = said.split("Plain averages")
    assert "wrong" not in space.split("wrong below")[1]
    wrong = re.findall(r"^  (.*?)  .*wrong$", averages, re.M)
    assert {"rotation: angle", "translation: spread"} <= set(wrong)


def test_flux_by_shape(run):
    pytest.importorskip("latent_spaces_by_example")
    said = run("flux_by_shape.py")
    assert said.endswith("The same space.\n")
    assert len(re.findall("differ by", said)) == 5 and "more than" not in said


def test_flux_by_shape_without_the_papers_package(run):
    said = run("flux_by_shape.py", "latent_spaces_by_example")
    assert said.endswith("latent-spaces-by-example is not installed: nothing compared.\n")
    assert "(9, 4096, 64)" in said


def test_with_diffusers(run):
    pytest.importorskip("diffusers", reason="diffusers is not installed here")
    said = run("with_diffusers.py").splitlines()
    exact = [line for line in said if "bit for bit" in line]
    assert len(exact) == 2 and all(line.endswith(": True") for line in exact)
    assert said[1] == "FLUX: a blend (1, 16, 64) is none of the four: True"
    assert said[3] == "AudioLDM: a blend of (1, 512) samples"
    found = re.fullmatch(r"AudioLDM: the best of 16 points has (\S+) times the energy of the best seed", said[4])
    assert float(found[1]) > 0.5


def test_with_rfd3(run):
    why = 'rfd3 is not installed here, or does not fit its packages: Python 3.12, pip install rc-foundry "atomworks[ml]<3" pydantic'
    pytest.importorskip("rfd3.inference.input_parsing", reason=why, exc_type=ImportError)
    said = run("with_rfd3.py").splitlines()
    exact = [line for line in said if "bit for bit" in line]
    assert len(exact) == 2 and all(line.endswith(": True") for line in exact)
    assert "A blend (1, 168, 3) is none of the four: True" in said
    assert "A blend repeats: True and differs with the seed of the way: True" in said
    found = re.fullmatch(r"The most compact of 16 points has (\S+) times the radius of the most compact seed", said[-1])
    assert float(found[1]) < 1.1


def test_the_page_s_repelled_noises_are_normal_and_as_far_apart_as_can_be(root, tmp_path):
    page = (root / "docs" / "library" / "README.md").read_text("utf-8")
    first, *_, block = re.findall(r"```python\n(.*?)```", page, re.S)
    (tmp_path / "repelled.py").write_text(first + block, "utf-8")
    noises = runpy.run_path(str(tmp_path / "repelled.py"))["repelled"].flatten(1)
    assert all(stats.kstest(one.numpy(), "norm").pvalue > 1e-3 for one in noises)
    assert np.allclose(np.corrcoef(noises), np.where(np.eye(4), 1, -1 / 3), atol=0.01)


def test_the_page_names_every_script(root):
    page = (root / "docs" / "library" / "README.md").read_text("utf-8")
    scripts = {path.name for path in (root / "docs" / "library").glob("*.py")}
    assert scripts == set(re.findall(r"\]\((\w+\.py)\)", page))
