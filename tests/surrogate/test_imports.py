"""What importing `surrogate` brings with it, and that its public names are there."""

from __future__ import annotations

import importlib
import json
import pkgutil
import subprocess
import sys

import pytest

import surrogate

# ComfyUI, and packages that are slow to import or needed by a few functions alone.
UNWANTED = {"comfy", "comfy_api", "comfy_extras", "execution", "folder_paths", "server", "cma", "optuna", "matplotlib"}
UNWANTED |= {"scipy.stats", "scipy.optimize", "scipy.spatial"}
MODULES = ["surrogate", *(module.name for module in pkgutil.walk_packages(surrogate.__path__, "surrogate."))]


@pytest.fixture(scope="module")
def fresh(root):
    """What a fresh process has loaded, by the first two parts of its name: after `surrogate` and its modules, and with all optimisers."""
    program = f"""
import json, sys
sys.path.append({str(root)!r})
import surrogate
import {", ".join(MODULES)}
def loaded():
    return sorted({{".".join(name.split(".")[:2]) for name in sys.modules}})
after_modules = loaded()
from surrogate.search import OPTIMISERS, make_optimiser
for name in OPTIMISERS:
    make_optimiser(name)
print(json.dumps([surrogate.__file__, after_modules, loaded()]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=root.parent)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_a_fresh_import_brings_nothing_unwanted(root, fresh):
    path, loaded, _ = fresh
    assert path == str(root / "surrogate" / "__init__.py")
    assert not UNWANTED & set(loaded)


def test_no_optimiser_is_imported_before_it_proposes(fresh):
    *_, loaded = fresh
    assert not {"cma", "optuna", "sqlalchemy", "alembic", "psutil", "matplotlib"} & set(loaded)


@pytest.mark.parametrize("name", MODULES)
def test_every_public_name_resolves(name):
    module = importlib.import_module(name)
    assert module.__doc__, f"{name} does not say what it is"
    assert module.__all__, f"{name} does not say what is public"
    assert len(set(module.__all__)) == len(module.__all__)
    for public in module.__all__:
        assert hasattr(module, public), f"{name} promises {public}"


def test_everything_public_is_documented():
    for public in surrogate.__all__:
        thing = getattr(surrogate, public)
        if callable(thing):
            assert thing.__doc__, f"surrogate.{public} has no docstring"
