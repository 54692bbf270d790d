"""What the inputs of an unknown node tell of it: a seed, a prompt or a sampler of its own, or KSampler's very inputs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .opaque import told
from .rules import Place
from .values import Noise, Opaque, Sigmas, unknown_of

__all__ = ["Evidence"]

SEED = re.compile(r"(^|_)seed(_|$|s$)|^rng", re.I)
PROMPTS = {
    *("prompt", "positive_prompt", "text_prompt", "edit_prompt", "instruction", "edit_instruction", "prompt_text"),
    *("structured_prompt", "editing_prompt"),
}
SAMPLER_LINK = re.compile(r"(^|_)(k?sampler|upscaler|guider)(_|$)", re.I)
MODEL_LINK = re.compile(r"(^|_)(model|dit|unet|pipe|pipeline|transformer)(_|$)", re.I)
NOT_DIFFUSION = re.compile(
    r"upscale|clip|control|depth|style|vision|interpolat|rife|detect|sam|segm|face|rmbg|florence|caption|vlm|llm|qwenvl|tagger|blip|ocr",
    re.I,
)
# KSampler's and KSamplerAdvanced's, SamplerCustom's and SamplerCustomAdvanced's, and what changes no noise.
KSAMPLERS = {
    *("model", "seed", "noise_seed", "steps", "cfg", "sampler_name", "scheduler", "positive", "negative"),
    *("latent_image", "latent", "samples", "denoise", "add_noise", "start_at_step", "end_at_step", "vae"),
    *("return_with_leftover_noise", "noise", "guider", "sampler", "sigmas", "preview_method", "vae_decode"),
    *("optional_vae", "control_after_generate", "guidance", "basic_pipe", "scheduler_func_opt"),
}
WHOLE_DENOISE = 0.9999


@dataclass(frozen=True)
class Evidence:
    """The `given` values of a node's inputs, by name, at one position of its lists."""

    place: Place
    given: dict[str, object]

    @property
    def names(self) -> set[str]:
        return set(self.given)

    @property
    def links(self) -> set[str]:
        return set(self.place.node.links)

    @property
    def seed(self) -> str:
        """The name of a seed of its own, or nothing."""
        return next(
            (name for name in ("noise_seed", "seed", *self.given) if name in self.given and SEED.search(name)), ""
        )

    @property
    def prompt(self) -> bool:
        """Whether it is told what to paint by something other than a text encoder."""
        typed = self.names & PROMPTS or isinstance(self.place.node.inputs.get("positive"), str)
        return bool(typed) and "clip" not in self.links

    @property
    def inner_sampler(self) -> bool:
        """Whether a sampler is plugged into it."""
        return any(SAMPLER_LINK.search(name) for name in self.links)

    @property
    def diffusion(self) -> bool:
        """Whether a model is plugged into it that may paint."""
        return any(MODEL_LINK.search(name) and not NOT_DIFFUSION.search(name) for name in self.links)

    @property
    def samples(self) -> bool:
        """Whether a model and what guides it are plugged into it: then it samples, by whatever noise."""
        return self.diffusion and bool(self.links & {"positive", "conditioning", "cond", "guider"})

    @property
    def noise(self) -> Noise | None:
        return next((value for value in self.given.values() if isinstance(value, Noise)), None)

    @property
    def is_ksampler(self) -> bool:
        """Whether it has KSampler's inputs and no others."""
        guided = bool(self.links & {"model", "guider", "basic_pipe"})
        drawn = bool(self.names & {"seed", "noise_seed", "noise"})
        scheduled = bool(self.names & {"steps", "sigmas"})
        return guided and drawn and scheduled and self.names <= KSAMPLERS

    def number(self, name: str) -> float | None:
        """A number that was typed in or can be told."""
        value = self.given.get(name)
        if isinstance(value, Opaque):
            value = told(value, float, name)
        ok = isinstance(value, (int, float)) and not isinstance(value, bool)
        return float(value) if ok and unknown_of(value) is None else None  # type: ignore[arg-type]

    @property
    def whole(self) -> bool:
        """Whether it, or a sampler that is plugged into it, says that it starts from noise alone."""
        plugged = [self.given[name] for name in self.links if SAMPLER_LINK.search(name)]
        inner = [n for one in plugged if isinstance(one, Opaque) for name, n in one.numbers if name == "denoise"]
        own = self.number("denoise")
        return any(denoise > WHOLE_DENOISE for denoise in (*inner, *([] if own is None else [own])))

    @property
    def partial(self) -> bool:
        """Whether it says that it leaves some of what it is given."""
        denoise, first = self.number("denoise"), self.number("start_at_step")
        sigmas = self.given.get("sigmas")
        if isinstance(sigmas, Sigmas) and sigmas.whole is False:
            return True
        quiet = self.given.get("add_noise") in (False, "disable")
        return quiet or (denoise is not None and denoise <= WHOLE_DENOISE) or (first is not None and first > 0)
