"""To see from outside what happens inside the server."""

import hashlib
import json
import pickle
import random
import time
from pathlib import Path

import comfy.samplers
import folder_paths
import numpy as np
import safetensors.torch
import torch
from comfy_api.latest import io


def _output(name: str) -> Path:
    return Path(folder_paths.get_output_directory()) / name


class Keep(io.ComfyNode):
    """Writes a number, the tensors of a LATENT, an IMAGE or an AUDIO, or the noise that a NOISE makes for `latent`, to <name>.safetensors.

    Item i of a list, part j of a nested latent is called "i.j". The output is for those who wait for it.
    """

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestKeep",
            category="test",
            inputs=[
                io.AnyType.Input("value"),
                io.Latent.Input("latent", optional=True),
                io.String.Input("name", default="kept"),
            ],
            outputs=[io.String.Output()],
            is_output_node=True,
            is_input_list=True,
        )

    @classmethod
    def execute(cls, value, name, latent=None):
        tensors = {}
        for i, one in enumerate(value):
            if hasattr(one, "generate_noise"):
                one = one.generate_noise(latent[i])
            for j, part in enumerate(_tensors(one)):
                tensors[f"{i}.{j}"] = part.detach().cpu().contiguous().clone()
        safetensors.torch.save_file(tensors, _output(f"{name[0]}.safetensors"))
        return io.NodeOutput(name[0])


class CountedSampler(io.ComfyNode):
    """The sampler, which writes a line with its batch size to <log>.jsonl when it has sampled.

    It waits as many seconds as <log>.seconds says: not an input, so that the graph stays the same.
    """

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestCountedSampler",
            category="test",
            inputs=[io.Sampler.Input("sampler"), io.String.Input("log")],
            outputs=[io.Sampler.Output()],
        )

    @classmethod
    def execute(cls, sampler, log):
        return io.NodeOutput(_Counted(sampler, log))


class _Counted(comfy.samplers.Sampler):
    def __init__(self, sampler, log: str):
        self.sampler, self.log = sampler, _output(f"{log}.jsonl")

    def sample(self, model_wrap, sigmas, extra_args, callback, noise, *args, **kwargs):
        seconds = self.log.with_suffix(".seconds")
        if seconds.exists():
            time.sleep(float(seconds.read_text()))
        samples = self.sampler.sample(model_wrap, sigmas, extra_args, callback, noise, *args, **kwargs)
        with open(self.log, "a") as file:
            file.write(f"{len(noise)}\n")
        return samples


class NoiseTap(io.ComfyNode):
    """A sampler that returns the noise it is given on the way, for the step number `step`; by its name an SDE one or not."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestNoiseTap",
            category="test",
            inputs=[io.Boolean.Input("sde"), io.Int.Input("step", default=0)],
            outputs=[io.Sampler.Output()],
        )

    @classmethod
    def execute(cls, sde, step):
        def sample_tap(model, x, sigmas, extra_args=None, callback=None, disable=None, noise_sampler=None):
            drawn = [noise_sampler(sigmas[i], sigmas[i + 1]) for i in range(step + 1)]
            return drawn[-1]

        sample_tap.__name__ = "sample_dpmpp_tap_sde" if sde else "sample_tap"
        return io.NodeOutput(comfy.samplers.KSAMPLER(sample_tap))


class Watch(io.ComfyNode):
    """Passes `value` on, after all else that is connected, and writes to <name>.json what must not change."""

    MOST = 24

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestWatch",
            category="test",
            inputs=[
                io.AnyType.Input("value"),
                io.String.Input("name"),
                *(io.AnyType.Input(f"after_{i}", optional=True) for i in range(cls.MOST)),
            ],
            outputs=[io.AnyType.Output()],
            is_output_node=True,
            not_idempotent=True,
        )

    @classmethod
    def execute(cls, value, name, **after):
        digest = hashlib.sha256()
        for part in _tensors(value):
            digest.update(part.detach().cpu().float().contiguous().numpy().tobytes())
        seen = {
            "torch": hashlib.sha256(torch.get_rng_state().numpy().tobytes()).hexdigest(),
            "torch seed": torch.initial_seed(),
            "numpy": hashlib.sha256(pickle.dumps(np.random.get_state())).hexdigest(),  # noqa: NPY002
            "python": hashlib.sha256(pickle.dumps(random.getstate())).hexdigest(),
            "value": digest.hexdigest(),
        }
        _output(f"{name}.json").write_text(json.dumps(seen))
        return io.NodeOutput(value)


def _tensors(value) -> list[torch.Tensor]:
    if isinstance(value, dict):
        value = value["waveform" if "waveform" in value else "samples"]
    if getattr(value, "is_nested", False):
        return list(value.unbind())
    if isinstance(value, float):
        return [torch.tensor(value, dtype=torch.float64)]
    return [value] if isinstance(value, torch.Tensor) else []
