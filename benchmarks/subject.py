"""Which model is measured: the demo model, or the one that ``demo/train.py`` wrote to SURROGATE_BENCHMARK_MODEL."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).absolute().parents[1]
sys.path.append(str(ROOT))

from demo import creatures, scenes  # noqa: E402

__all__ = ["load", "render", "runs"]

GIVEN = os.environ.get("SURROGATE_BENCHMARK_MODEL", "")


def runs(name: str) -> Path:
    """Where the finished runs of a benchmark are kept: those of each model apart."""
    return ROOT / ".comfy" / "benchmarks" / (Path(GIVEN).name if GIVEN else "") / f"{name}.jsonl"


def load(comfyui: str) -> tuple:
    """Model, VAE and conditioning, with both words left open. It imports the pack into this process first."""
    from sampler import load_pack

    load_pack(comfyui)
    from surrogate_pack.nodes import demo

    return demo.load(Path(GIVEN) if GIVEN else demo.FOLDER)


def render(batch: int, size: int = 128, generator=None):
    """Pictures like those that the model was trained on: see ``demo/scenes.py``."""
    return _drawn().render(batch, size, generator=generator)


def _drawn():
    if not GIVEN:
        return scenes
    import safetensors

    with safetensors.safe_open(Path(GIVEN) / "demo_flux.safetensors", framework="pt") as file:
        return {"scenes": scenes, "creatures": creatures}[file.metadata()["trained_on"].split()[-1].removesuffix(".py")]
