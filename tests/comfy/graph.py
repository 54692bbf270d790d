"""Prompts for a real server, written as the graphs that they are.

g = Graph(comfy)
model, vae, conditioning, latent = g.demo(time="dusk")
image = g.keep(g.decoded(…))
g.run()
image.tensor
"""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import pytest
import safetensors.torch
import torch

from dev.server import comfyui_folder

TESTKIT = Path(__file__).parent / "testkit"
_names = itertools.count()
_descriptions: dict[str, dict] = {}


class Node:
    """A node of a graph. node[1] is its second output; the node itself stands for the first."""

    def __init__(self, number: str):
        self.number = number

    def __getitem__(self, index: int) -> list:
        return [self.number, index]

    def outputs(self, count: int) -> list:
        return [self[i] for i in range(count)]


def _defaults(description: dict, chosen: dict, prefix: str = "") -> dict:
    """The defaults of a node's required inputs; with those that come with the `chosen` value of a dynamic combo, or its first."""
    given = {}
    for name, (kind, *options) in description.get("required", {}).items():
        name, options = prefix + name, options[0] if options else {}
        if kind == "COMFY_DYNAMICCOMBO_V3":
            cases = {option["key"]: option["inputs"] for option in options["options"]}
            given[name] = chosen.get(name, next(iter(cases)))
            given |= _defaults(cases[given[name]], chosen, f"{name}.")
        elif "default" in options:
            given[name] = options["default"]
        elif isinstance(kind, list) or "options" in options:
            given[name] = (kind if isinstance(kind, list) else options["options"])[0]
    return given


class Kept:
    """Tensors that a Keep node wrote, to read after the run."""

    def __init__(self, path: Path):
        self.path = path

    @property
    def tensors(self) -> dict[str, torch.Tensor]:
        """By "item.part"; loaded to memory, because a later run may write the file again."""
        return {name: tensor.clone() for name, tensor in safetensors.torch.load_file(self.path).items()}

    @property
    def tensor(self) -> torch.Tensor:
        (tensor,) = self.tensors.values()
        return tensor


class Graph:
    """A prompt under construction. Inputs that are left out get their defaults, as in the browser."""

    def __init__(self, comfy):
        self.comfy = comfy
        self.prompt: dict[str, dict] = {}

    def __call__(self, class_type: str, **inputs) -> Node:
        nested = comfyui_folder() / "comfy" / "nested_tensor.py"
        if class_type == "TestLatent" and str(inputs["shape"]).startswith("[[") and not nested.exists():
            pytest.skip("this ComfyUI has no nested latents yet")
        if class_type not in _descriptions:
            _descriptions[class_type] = self.comfy.client.object_info(class_type)[class_type]["input"]
        given = _defaults(_descriptions[class_type], inputs)
        for name, value in inputs.items():
            given[name] = value[0] if isinstance(value, Node) else value
        node = Node(str(len(self.prompt) + 1))
        self.prompt[node.number] = {"class_type": class_type, "inputs": given}
        return node

    def run(self, timeout: float = 120.0) -> dict:
        """Queue it, wait for the end, and return the history entry; raises what the client raises."""
        return self.comfy.client.wait(self.comfy.client.queue(self.prompt), timeout)

    def keep(self, value, latent=None) -> Kept:
        """Have `value` written (for a NOISE: what it makes for `latent`)."""
        name = f"kept_{next(_names)}"
        self("TestKeep", value=value, name=name, **({} if latent is None else {"latent": latent}))
        return Kept(output(self.comfy) / f"{name}.safetensors")

    # ---------------------------------------------------------------------------------- what many tests need

    def space(self, seeds: str = "12, 99, 1024, 7", **settings) -> Node:
        return self("SurrogateSpace", seeds=self("SurrogateSeedsFromIntegers", seeds=seeds), **settings)

    def demo(self, size: int = 64, **settings) -> list:
        """The demo model: model, vae, conditioning, and an empty latent of `size` × `size` pixels.

        At 128, for which it was trained, its pictures are landscapes; at 64 a picture costs a quarter.
        """
        latent = self("EmptySD3LatentImage", width=size, height=size, batch_size=1)
        return [*self("SurrogateDemoModel", **settings).outputs(3), latent[0]]

    def vertices(self, space, k: int, which=None) -> Node:
        """The seeds numbered `which` (from 0), or all."""
        rows = [" ".join("1" if i == j else "0" for i in range(k)) for j in (range(k) if which is None else which)]
        return self("SurrogateWeights", space=space, weights="\n".join(rows))

    def latent(self, *shape: int, **settings) -> Node:
        """A latent of `shape` with its batch; of several shapes, a nested one."""
        return self("TestLatent", shape=str(list(shape)), **settings)

    def sampling(self, model, conditioning, steps: int = 1, denoise: float = 1.0, sampler="euler") -> dict[str, Node]:
        """What a node that samples needs, other than latent and noise: guider, sampler and sigmas."""
        return {
            "guider": self("BasicGuider", model=model, conditioning=conditioning),
            "sampler": self("KSamplerSelect", sampler_name=sampler),
            "sigmas": self("BasicScheduler", model=model, scheduler="simple", steps=steps, denoise=denoise),
        }

    def custom(self, model, conditioning, noise, latent, steps: int = 4, denoise: float = 1.0, sampler="euler") -> Node:
        """SamplerCustomAdvanced with all that belongs to it."""
        how = self.sampling(model, conditioning, steps, denoise, sampler)
        return self("SamplerCustomAdvanced", noise=noise, latent_image=latent, **how)

    def render(
        self, model, conditioning, vae, latent, space, points, steps: int = 1, log: str = "", **settings
    ) -> Node:
        """Render Points with all that belongs to it; with `log`, the sampler calls are counted."""
        sampler = self("KSamplerSelect", sampler_name="euler")
        return self(
            "SurrogateRenderPoints",
            guider=self("BasicGuider", model=model, conditioning=conditioning),
            sampler=self("TestCountedSampler", sampler=sampler, log=log) if log else sampler,
            sigmas=self("BasicScheduler", model=model, scheduler="simple", steps=steps, denoise=1.0),
            latent=latent,
            vae=vae,
            space=space,
            points=points,
            **settings,
        )

    def ksampler(self, model, positive, latent, seed: int, negative=None, **settings) -> Node:
        return self(
            "KSampler",
            **{
                "model": model,
                "positive": positive,
                "negative": negative or positive,
                "latent_image": latent,
                "seed": seed,
                "steps": 4,
                "cfg": 1.0,
                "sampler_name": "euler",
                "scheduler": "simple",
                **settings,
            },
        )

    def decoded(self, samples, vae) -> Node:
        return self("VAEDecode", samples=samples, vae=vae)


def output(comfy) -> Path:
    return comfy.server.base / "output"


def counted(comfy, log: str) -> list[int]:
    """The batch sizes that a CountedSampler has sampled."""
    path = output(comfy) / f"{log}.jsonl"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def needs_sound(comfy) -> None:
    """Skip the test if this ComfyUI has no nodes for sound."""
    if not comfy.client.object_info("VAEDecodeAudio"):
        pytest.skip("this ComfyUI has no nodes for sound: its Python lacks torchaudio")


class Log:
    """The server's log from here on."""

    def __init__(self, comfy):
        self.path = comfy.server.log
        self.start = self.path.stat().st_size

    def text(self) -> str:
        with open(self.path, "rb") as file:
            file.seek(self.start)
            return file.read().decode("utf-8", "replace")

    def wait_for(self, words: str, seconds: float = 10.0) -> bool:
        """Whether `words` appear; the log is written by another process."""
        deadline = time.monotonic() + seconds
        while words not in self.text():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True
