"""Models that need another treatment than most: they ignore the noise, take no batches, or depend on the batch."""

from __future__ import annotations

import re

import torch

__all__ = ["check_noise_counts", "depends_on_batch", "needs_batch_of_one"]

# How models say that they cannot sample several images together, such as MiniMax H3: "supports batch size 1".
ONE_AT_A_TIME = re.compile(
    r"batch[ _-]?size\W*(of|must be|has to be|should be|is|equal to|equals)?( equal to| exactly)?\W*(1|one)\b"
    r"|(single|one)[ -](batch|image|sample|item)"
    r"|batch(es)? of (size )?(1|one)\b"
    r"|batch[ _-]?size\W*(>|greater than|larger than|more than|above)\W*(1|one)\b"
    r"|(not|n't|no) support(ed)?( for)? batch(es|ing)?\b|batch(es|ing) (is|are) not supported",
    re.I,
)
# Model classes of ComfyUI whose result depends on what else is in the batch, in ComfyUI itself.
DIFFER_IN_A_BATCH = {
    "ACEStep15": "ACE-Step 1.5 gives a point another result in a batch than alone (measured: 7 to 13 %). That is so in "
    "ComfyUI itself. Use batches of 1 (images_per_batch) if a point must always give the same result.",
}


def check_noise_counts(model) -> None:
    """Raises ValueError if what `model` starts from is the latent alone, whatever the noise (Flow RVS, Marigold)."""
    sampling = model.get_model_object("model_sampling")
    sigma = torch.as_tensor(sampling.sigma_max, dtype=torch.float32).cpu()
    zero, one = torch.zeros(1, 1), torch.ones(1, 1)
    with_noise, without = (sampling.noise_scaling(sigma, noise, zero.clone()) for noise in (one, zero.clone()))
    if torch.equal(with_noise, without):
        raise ValueError(
            f"The model ({_class_of(model)}) ignores the initial noise: it starts from the latent alone, so that "
            "all points of a space give the same picture, and no noise can be found for one. Use a model that makes its "
            "pictures from noise."
        )


def depends_on_batch(model) -> str | None:
    """What to say before `model` samples several points together; None for nearly all models."""
    return DIFFER_IN_A_BATCH.get(_class_of(model))


def needs_batch_of_one(error: Exception) -> bool:
    """Whether `error` is how a model says that it samples one image at a time."""
    return ONE_AT_A_TIME.search(str(error)) is not None


def _class_of(model) -> str:
    """The name of the model's class in ComfyUI, such as ACEStep15."""
    return type(getattr(model, "model", None)).__name__
