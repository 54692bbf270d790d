"""The scripts of docs/library run, and find what they say they find."""

import os
import re
import subprocess
import sys

import pytest

# Runs a script, as if the packages named behind it were not installed.
RUN = "import runpy, sys; sys.modules.update(dict.fromkeys(sys.argv[2:])); runpy.run_path(sys.argv[1], run_name='__main__')"


def run(root, name: str, *lacking: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(root / "docs" / "library" / name), *lacking],
        capture_output=True,
        text=True,
        cwd=root.parent,
        env={**os.environ, "PYTHONPATH": str(root), "PYTHONUTF8": "1"},
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_protein_frames(root):
    said = run(root, "protein_frames.py")
    assert said.endswith("The space's points are valid starts; plain averages are not.\n")
    space, averages = said.split("Plain averages")
    assert "wrong" not in space.split("wrong below")[1]
    wrong = re.findall(r"^  (.*?)  .*wrong$", averages, re.M)
    assert {"rotation: angle", "translation: spread"} <= set(wrong)


def test_flux_by_shape(root):
    pytest.importorskip("latent_spaces_by_example")
    said = run(root, "flux_by_shape.py")
    assert said.endswith("The same space.\n")
    assert len(re.findall("differ by", said)) == 5 and "more than" not in said


def test_flux_by_shape_without_the_papers_package(root):
    said = run(root, "flux_by_shape.py", "latent_spaces_by_example")
    assert said.endswith("latent-spaces-by-example is not installed: nothing compared.\n")
    assert "(9, 4096, 64)" in said


def test_the_page_names_every_script(root):
    page = (root / "docs" / "library" / "README.md").read_text("utf-8")
    scripts = {path.name for path in (root / "docs" / "library").glob("*.py")}
    assert scripts == set(re.findall(r"\]\((\w+\.py)\)", page))
