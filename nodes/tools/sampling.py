"""From points to pictures inside one node: sample and decode, batch by batch."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import comfy.model_management
import comfy.utils
import latent_preview
import numpy as np
import torch
from PIL import Image

from ...surrogate.resizing import area_means
from .carrier import OneNoise, sampled_by
from .clips import split_clips
from .core_noise import notice_replaced_noise
from .latents import PointsNoise, fix_empty, select, tensors_of
from .notices import say, warn
from .parts import part_for
from .peculiar import check_noise_counts, depends_on_batch, needs_batch_of_one
from .progress import quiet
from .sound import decode_sounds, drawn

__all__ = [
    "FAULTS_ADVICE",
    "Progress",
    "Rendered",
    "as_images",
    "as_pixels",
    "clips_of",
    "faults_of",
    "on_one_size",
    "render",
    "sound_faults",
]

log = logging.getLogger("ComfyUI-Surrogate")
PREVIEW = 512
NO_PICTURES = (
    "vae decodes to {}, which is not pictures. For sound use Surrogate Noise, SamplerCustomAdvanced, VAE Decode Audio and "
    "Sound Sheet; to search among sounds, Surrogate Search with a score of sounds, or Ask and Tell around these nodes."
)
# What to do where pictures are NaN.
FAULTS_ADVICE = (
    "Often the model or the VAE overflows in half precision: restart ComfyUI with --fp32-vae or --force-fp32. Or the "
    "guider divides by zero: check its conditioning and cfg."
)


@dataclass(frozen=True, eq=False)
class Rendered:
    """A point that was sampled and decoded.

    frames (t, h, w, c) uint8, of a sound alone its waveform; `sample` a LATENT of one; `sound` an AUDIO of one, where an
    audio VAE decoded it. `fault` is why the picture is of no use ("its pixels are NaN or infinite"), empty if it is good:
    such a picture is black where it is not a number, and must get no score. `drafts`: what the model predicted on the way,
    by the number of steps, as far as it was wanted and the sampler said it.
    """

    index: int
    frames: np.ndarray
    sample: dict
    fault: str
    sound: dict | None = None
    drafts: Mapping[int, Rendered] = field(default_factory=dict)


def render(
    guider,
    sampler,
    sigmas,
    latent: dict,
    vae,
    space,
    w,
    noise_seed: int,
    groups: list[list[int]],
    progress: Progress | None = None,
    draft: bool = False,
    audio_vae=None,
    watch: Sequence[int] = (),
) -> Iterator[Rendered]:
    """Sample and decode the points of weights w (n, k) from the samples of `latent` (n), one group of indices after the other.

    Yields each point as soon as its group is decoded. `progress` is shared by several calls; by default this call is all
    there is to do. A model that samples only one image at a time gets the images of a group one by one. Of a `draft`, whose
    `sigmas` end before the last step, what the model predicts there is decoded. What it predicts after each number of steps
    in `watch` is decoded too, and given with the finished picture. Of a latent of several parts, each VAE
    decodes the one that it is for; `vae` is None for a model of sound alone. A guider of Surrogate Carrier has the points
    on its prompt.
    Stops at once, with ComfyUI's own exception, if the user presses Cancel. Raises ValueError if the VAE gives something
    else than pictures, the audio VAE something else than sound, or the model ignores its noise.
    """
    channels = getattr(vae, "output_channels", 3)  # said before a batch is sampled in vain
    if channels not in (1, 3, 4):
        raise ValueError(NO_PICTURES.format(f"{channels} channels"))
    check_noise_counts(guider.model_patcher)
    progress = progress or Progress(guider, sum(len(group) for group in groups), sigmas)
    progress.notice(notice_replaced_noise(), logged=True)
    if any(len(group) > 1 for group in groups):
        progress.notice(depends_on_batch(guider.model_patcher))
    waiting = list(groups)
    while waiting:
        group = waiting.pop(0)
        if progress.one_at_a_time and len(group) > 1:
            waiting[:0] = [[i] for i in group]
            continue
        sampled, noise = sampled_by(guider, space, w[group], noise_seed)
        chosen = fix_empty(guider.model_patcher, select(latent, group))
        try:
            samples, seen = _sample(sampled, sampler, sigmas, chosen, noise, progress.steps_of(chosen), draft, watch)
        except Exception as error:
            if len(group) == 1 or not needs_batch_of_one(error):
                raise
            progress.one_at_a_time = True
            progress.notice(f"This model samples one image at a time ({error}): images_per_batch is taken as 1.")
            waiting.insert(0, group)
            continue
        drafts = {steps: list(_decoded(x0, group, chosen, vae, audio_vae)) for steps, x0 in seen.items()}
        for place, one in enumerate(_decoded(samples, group, chosen, vae, audio_vae)):
            yield replace(one, drafts={steps: made[place] for steps, made in drafts.items()})
        progress.decoded(len(group), one.frames[0], len(sigmas))


def _decoded(samples, group: list[int], chosen: dict, vae, audio_vae) -> Iterator[Rendered]:
    """The points number `group`, whose latents are `samples`, of a batch of the LATENT `chosen`."""
    parts = tensors_of(samples)
    pictures = [None] * len(group) if vae is None else _decode(vae, parts)
    sounds = [None] * len(group) if audio_vae is None else decode_sounds(audio_vae, parts, alone=vae is None)
    for place, (i, images, sound) in enumerate(zip(group, pictures, sounds, strict=True)):
        fault = _fault(images, [part[place] for part in parts], sound)
        sample = select({**chosen, "samples": samples}, [place])
        frames = drawn(sound) if images is None and sound is not None else as_pixels(images)
        yield Rendered(i, frames, sample, fault, sound)


def as_images(pictures: list[np.ndarray], longest: int = 0) -> torch.Tensor:
    """Pictures of one shape (frames, h, w, c) as an IMAGE (n·frames, h, w, c), at most `longest` pixels per side (0: any)."""
    frames, height, width, channels = pictures[0].shape
    shrink = min(1.0, longest / max(height, width)) if longest else 1.0
    step = 2 if frames > 1 and shrink < 1 else 1  # videos want even sides
    size = tuple(max(step, step * round(side * shrink / step)) for side in (height, width))
    out = torch.empty(len(pictures) * frames, *size, channels)
    for i, picture in enumerate(pictures):
        pixels = picture if shrink == 1 else np.stack([area_means(frame, *size) for frame in picture])
        out[i * frames : (i + 1) * frames] = torch.from_numpy(pixels) / 255
    return out


def clips_of(images, count: int, what: str = "points") -> list[np.ndarray]:
    """The pictures of `count` points, each frames (t, h, w, c) uint8, from a list of IMAGE batches."""
    return [as_pixels(clip) for clip in split_clips(images, count, what)]


def faults_of(images, count: int, what: str = "points") -> list[str]:
    """Why the pictures of each of `count` points are of no use, "" where they are good; arguments as for `clips_of`."""
    return [_fault(clip, [], None) for clip in split_clips(images, count, what)]


def sound_faults(sounds: list[dict]) -> list[str]:
    """Why each AUDIO of one is of no use, "" where it is good."""
    return [_fault(None, [], sound) for sound in sounds]


def on_one_size(pictures: list[np.ndarray]) -> torch.Tensor:
    """Pictures (h, w, 3) uint8 of any sizes as an IMAGE; smaller ones stand in the middle of the largest one's frame."""
    height, width = (max(picture.shape[axis] for picture in pictures) for axis in (0, 1))
    images = torch.zeros(len(pictures), height, width, 3)
    for image, picture in zip(images, pictures):
        top, left = (height - picture.shape[0]) // 2, (width - picture.shape[1]) // 2
        image[top : top + picture.shape[0], left : left + picture.shape[1]] = torch.from_numpy(picture).float() / 255
    return images


def as_pixels(images) -> np.ndarray:
    """Images (n, h, w, c), a tensor or a list of them, as uint8, rounded as core's Save Image does."""
    return np.stack(
        [np.clip(255.0 * image.cpu().float().nan_to_num(0.0).numpy(), 0, 255).astype(np.uint8) for image in images]
    )


class Progress:
    """One progress bar over several batches: every sampling step, and every decoded batch with its last picture.

    `node` (a node's class) is where notices are shown; without it they are only logged. Without `previews` the bar moves
    and no picture is shown.
    """

    def __init__(self, guider, images: int, sigmas: torch.Tensor, node=None, previews: bool = True):
        self.node, self.noticed = node, set[str]()
        self.one_at_a_time = False  # whether the model was found to sample no batches
        self.per_image = len(sigmas)  # the steps, and one for decoding
        self.total = max(1, images * self.per_image)
        self.done = 0
        self.bar = comfy.utils.ProgressBar(self.total)
        self.shown: Image.Image | None = None
        self.previews = previews
        self.previewer = _previewer(guider.model_patcher) if previews else None

    def notice(self, text: str | None, logged: bool = False) -> None:
        """Say `text` once, if there is one; `logged`: it is in the log already."""
        if text and text not in self.noticed:
            self.noticed.add(text)
            (say(self.node, text) if logged else warn(self.node, [text]))

    def steps_of(self, latent: dict):
        """A sampler's callback for the batch `latent`."""
        shapes = [part.shape for part in tensors_of(latent["samples"])]
        images = shapes[0][0]

        def step(step, x0, x, total_steps) -> None:
            preview = None
            if self.previewer:
                preview = self.previewer.decode_latent_to_preview_image("JPEG", _first_part(x0, shapes))
            self.bar.update_absolute(self.done + images * (step + 1), self.total, preview)

        return step

    def skip(self, images: int) -> None:
        """Images that are there already."""
        self.done += images * self.per_image

    def show(self, picture: Image.Image) -> None:
        """Show `picture` from now on, in place of the last one of each batch."""
        self.shown = picture
        self.bar.update_absolute(self.done, self.total, ("JPEG", picture, max(picture.size)))

    def decoded(self, images: int, frame: np.ndarray, cost: int) -> None:
        """So many images are there, the last one with this `frame`; each took `cost` steps, with decoding."""
        self.done += images * cost
        if self.shown is not None or not self.previews:
            self.bar.update_absolute(self.done, self.total)
            return
        picture = Image.fromarray(frame[..., :3] if frame.shape[-1] > 1 else frame[..., 0]).convert("RGB")
        self.bar.update_absolute(self.done, self.total, ("JPEG", picture, PREVIEW))


def _first_part(x0, shapes: list) -> torch.Tensor:
    """The part of a sampler's prediction that is shown. Older ComfyUI gives several parts packed into one tensor."""
    if len(shapes) > 1 and not getattr(x0, "is_nested", False):
        return comfy.utils.unpack_latents(x0, shapes)[0]
    return tensors_of(x0)[0]


def _previewer(model):
    """What turns a latent into a preview; None unless the server runs with a preview method."""
    try:
        return latent_preview.get_previewer(model.load_device, model.get_model_object("latent_format"))
    except (AttributeError, TypeError) as error:  # not meant for nodes, so it may change; pictures matter more
        log.warning("This ComfyUI gives no previews while a batch is sampled: %s.", error)
        return None


def _sample(
    guider, sampler, sigmas, latent: dict, noise: PointsNoise | OneNoise, callback, draft: bool, watch: Sequence[int]
):
    """What SamplerCustomAdvanced does: the sampled latents of `noise` for `latent`, on ComfyUI's intermediate device.

    Of a `draft` its other output: the picture that the model predicts in the last step. With it, by their numbers, what
    the model predicts after the steps in `watch` that the sampler tells of.
    """
    comfy.model_management.throw_exception_if_processing_interrupted()
    predicted, seen = {}, {}

    def step(number, x0, *more) -> None:
        predicted["x0"] = x0
        if number + 1 in watch:
            seen[number + 1] = x0.clone()  # a sampler may go on with the same tensor
        callback(number, x0, *more)

    samples = guider.sample(
        noise.generate_noise(latent),
        latent["samples"],
        sampler,
        sigmas,
        denoise_mask=latent.get("noise_mask"),
        callback=step if draft or watch else callback,
        disable_pbar=quiet(),
        seed=noise.seed,
    )
    if draft and "x0" in predicted:
        samples = _finished(guider, predicted["x0"], samples)
    device = comfy.model_management.intermediate_device()
    return samples.to(device), {number: _finished(guider, x0, samples).to(device) for number, x0 in seen.items()}


def _finished(guider, x0, like):
    """A sampler's prediction as latents of the same kind as `like`."""
    x0 = guider.model_patcher.model.process_latent_out(x0.cpu())
    if getattr(like, "is_nested", False) and not getattr(x0, "is_nested", False):
        return type(like)(comfy.utils.unpack_latents(x0, [part.shape for part in like.unbind()]))
    return x0


def _decode(vae, parts: list[torch.Tensor]) -> torch.Tensor:
    """The decoded pictures (n, frames, h, w, c) of the samples whose latents are `parts`.

    Raises ValueError if the VAE gives something else than pictures.
    """
    images = vae.decode(parts[part_for(vae, parts, 0)])
    if images.ndim == 4:
        images = images[:, None]
    if images.ndim != 5 or images.shape[-1] not in (1, 3, 4):
        raise ValueError(NO_PICTURES.format(f"shape {tuple(images.shape)}"))
    return images


def _fault(images: torch.Tensor | None, sample: list[torch.Tensor], sound: dict | None) -> str:
    # The latents first: they are the model's doing, pixels and sound alone the VAEs'.
    seen = [] if images is None else [images]
    heard = [] if sound is None else [sound["waveform"]]
    for what, tensors in (("latents", sample), ("pixels", seen), ("sounds", heard)):
        if not all(torch.isfinite(tensor).all() for tensor in tensors):
            return f"its {what} are NaN or infinite"
    return ""
