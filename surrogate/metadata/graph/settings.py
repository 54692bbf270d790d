"""What beside the noise decides a picture: the model, and everything that was typed in above the sampler."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from .prompt import Node, Prompt
from .trace import model_chain

__all__ = ["Settings", "settings_of"]

MODEL_FILE = re.compile(r".+\.(safetensors|sft|ckpt|pt|pth|bin|gguf|onnx)$", re.I)
# Inputs that lead to the noise or to the latent, or that change no picture.
NOT_SETTINGS = {
    *("noise", "noise_seed", "seed", "latent", "latent_image", "samples", "space", "points", "batch_size", "width"),
    *("height", "length", "filename_prefix", "control_after_generate", "images_per_batch", "finished_pictures"),
    *("largest_side", "frames_per_second", "add_noise", "device"),
}
STOCHASTIC = re.compile(r"ancestral|sde|_a$|lcm|ddpm|restart|cfg_pp_a|er_sde|seeds_")


LONGEST_VALUE = 10_000


@dataclass(frozen=True)
class Settings:
    """`model` are the files (or, without any, the loader) and `values` what was typed in, by name."""

    model: tuple[str, ...]
    values: dict[str, tuple[str, ...]]

    @property
    def stochastic(self) -> str | None:
        """The name of a sampler that adds noise on the way, if there is one."""
        names = [name.strip('"')[:40] for name in self.values.get("sampler_name", ())]
        return next((name for name in names if STOCHASTIC.search(name)), None)

    def differing(self, other: Settings) -> list[str]:
        """The names under which the two have different values."""
        names = sorted({*self.values, *other.values})
        return [name for name in names if self.values.get(name) != other.values.get(name)]


def settings_of(prompt: Prompt, sampler: str) -> Settings:
    """The settings of the node `sampler` and of all above it that does not lead to its noise or latent."""
    found: dict[str, list[str]] = {}
    waiting, seen = [sampler], {sampler}
    while waiting:
        node = prompt.nodes[waiting.pop()]
        for name, value in node.inputs.items():
            if name not in NOT_SETTINGS:
                found.setdefault(name, []).append(_written(value))
        for name, link in node.links.items():
            if name not in NOT_SETTINGS and link.node not in seen:
                seen.add(link.node)
                waiting.append(link.node)
    return Settings(_model(prompt, prompt.nodes[sampler]), {name: tuple(sorted(v)) for name, v in found.items()})


def _written(value) -> str:
    try:
        return json.dumps(value, sort_keys=True)[:LONGEST_VALUE]
    except RecursionError:
        return '"…"'


def _model(prompt: Prompt, node: Node) -> tuple[str, ...]:
    chain = model_chain(prompt, node)
    files = [v for n in chain for v in n.inputs.values() if isinstance(v, str) and MODEL_FILE.match(v)]
    if files:
        return tuple(sorted({file.replace("\\", "/").rsplit("/", 1)[-1][:200] for file in files}))
    return (chain[-1].kind[:200],) if chain else ()
