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
MODULES = ["surrogate", *(module.name for module in pkgutil.walk_packages(surrogate.__path__, "surrogate."))]


def test_a_fresh_import_brings_nothing_unwanted(root):
    program = f"""
import json, sys
sys.path.append({str(root)!r})
import surrogate
import {", ".join(MODULES)}
print(json.dumps([surrogate.__file__, sorted({{name.partition(".")[0] for name in sys.modules}})]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=root.parent)
    assert done.returncode == 0, done.stderr
    path, loaded = json.loads(done.stdout)
    assert path == str(root / "surrogate" / "__init__.py")
    assert not UNWANTED & set(loaded)


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
