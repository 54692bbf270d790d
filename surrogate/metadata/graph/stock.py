"""What ComfyUI's own nodes do with noise: samplers, and everything that picks, repeats or orders the rows of a batch.

Each rule is named after nothing but its inputs: a parameter is an input of the node, its annotation what it must be.
The first parameter is the place in the graph. A rule returns the node's outputs, or one value that stands for all.
"""

from __future__ import annotations

from dataclasses import replace

from ..errors import Untraceable
from .rules import Place, Rule
from .values import MOST_ROWS, Batch, Noise, Row, Sigmas, random_noise

__all__ = ["STOCK", "sampled"]

NO_NOISE = Noise(None, "none")


def sampled(place: Place, latent: Batch, noise: Noise, whole: bool | None) -> Batch:
    """The latent after a sampler. `whole`: it begins where noise is all there is, so that nothing before it counts."""
    if noise.draw is None:
        if not latent.sampled:
            raise Untraceable(f"{place} adds no noise")
        return latent
    if latent.index is not None and len(latent.index) != len(latent.rows):
        raise Untraceable(f"{place} has a batch of {len(latent.rows)} with a batch_index of {len(latent.index)}")
    patch = place.patched_noise()
    if patch is not None:  # Surrogate Noise for KSampler steps aside for a batch of another size
        try:
            noise, seeds = patch, patch.draw(latent)
        except Untraceable:
            seeds = noise.draw(latent)
    else:
        seeds = noise.draw(latent)
    again = f"sampled again by {place} with seed {noise.name}"
    rows = []
    for i, (row, seed) in enumerate(zip(latent.rows, seeds, strict=True)):
        if row.sampler is not None and whole is not True:
            rows.append(row.noted(again))
        else:
            fresh = Row(seed, place.node.id)
            if row.given and whole is not True:
                fresh = fresh.noted("starts from a picture: needs the same one at the same denoise")
            if latent.index is not None and latent.index[i] > 0 and _odd(latent.size):
                fresh = fresh.noted(
                    "drawn one by one (batch_index): exact where a latent's width × height is a multiple of 4"
                )
            rows.append(fresh)
    return replace(latent, rows=tuple(rows), size=None if latent.sampled and whole else latent.size)


def _odd(size) -> bool:
    """Whether core's streams may differ between drawing a batch and drawing one by one."""
    if size is not None and len(size) == 1:  # a sound's latent has 64 or 128 values at each time
        return False
    return size is None or (size[0] // 8) * (size[1] // 8) % 4 != 0


# ------------------------------------------------------------------------------------------------------ samplers


def _ksampler(place: Place, seed: int, latent_image: Batch, denoise: float | None = 1.0):
    return sampled(place, latent_image, random_noise(seed), _whole(denoise))


def _ksampler_advanced(place: Place, add_noise: str, noise_seed: int, latent_image: Batch, start_at_step: int = 0):
    noise = random_noise(noise_seed) if add_noise == "enable" else NO_NOISE
    return sampled(place, latent_image, noise, start_at_step == 0)


def _sampler_custom(place: Place, add_noise: bool, noise_seed: int, sigmas: Sigmas, latent_image: Batch):
    return sampled(place, latent_image, random_noise(noise_seed) if add_noise else NO_NOISE, sigmas.whole)


def _sampler_custom_advanced(place: Place, noise: Noise, sigmas: Sigmas, latent_image: Batch):
    return sampled(place, latent_image, noise, sigmas.whole)


def _add_noise(place: Place, noise: Noise, sigmas: Sigmas, latent_image: Batch):
    return sampled(place, latent_image, noise, sigmas.whole)


def _random_noise(place: Place, noise_seed: int):
    return random_noise(noise_seed)


def _disable_noise(place: Place):
    return NO_NOISE


def _basic_scheduler(place: Place, denoise: float | None = 1.0):
    return Sigmas(_whole(denoise))


def _split_sigmas(place: Place, sigmas: Sigmas, step: int):
    return sigmas, Sigmas(sigmas.whole if step == 0 else False)


def _split_sigmas_denoise(place: Place, sigmas: Sigmas, denoise: float | None):
    return sigmas, Sigmas(sigmas.whole if _whole(denoise) else False)


def _flip_sigmas(place: Place, sigmas: Sigmas):
    return Sigmas(False)


# ------------------------------------------------------------------------------------------------------- batches


def _latent_from_batch(place: Place, samples: Batch, batch_index: int, length: int = 1):
    start, stop = _part(len(samples.rows), batch_index, length)
    index = samples.index if samples.index is not None else tuple(range(len(samples.rows)))
    return replace(samples, rows=samples.rows[start:stop], index=index[start:stop])


def _repeat_latent_batch(place: Place, samples: Batch, amount: int):
    index = samples.index
    if index is not None:
        offset = max(index) - min(index) + 1
        _check(len(index) * amount)
        index = tuple(i + repeat * offset for repeat in range(amount) for i in index)
    return replace(samples, rows=_repeated(samples.rows, amount), index=index)


def _latent_batch(place: Place, samples1: Batch, samples2: Batch):
    index = [b.index if b.index is not None else tuple(range(len(b.rows))) for b in (samples1, samples2)]
    return replace(samples1, rows=samples1.rows + samples2.rows, index=index[0] + index[1])


def _seed_behavior(place: Place, samples: Batch, seed_behavior: str):
    if seed_behavior == "random":
        return replace(samples, index=None)
    first = samples.index[0] if samples.index else 0
    return replace(samples, index=(first,) * len(samples.rows))


def _rebatch_latents(place: Place, latents: list[Batch], batch_size: int):
    rows = [(batch, row) for batch in latents for row in batch.rows]
    index = []
    for batch in latents:
        start = len(index)
        index += batch.index if batch.index is not None else range(start, start + len(batch.rows))
    _check(len(rows))
    groups = _groups(len(rows), batch_size)
    return [replace(rows[g[0]][0], rows=tuple(rows[i][1] for i in g), index=tuple(index[i] for i in g)) for g in groups]


def _rebatch_images(place: Place, images: list[Batch], batch_size: int):
    if any(batch.clip for batch in images):
        raise Untraceable(f"{place} cuts clips of unknown length")
    rows = [row for batch in images for row in batch.rows]
    _check(len(rows))
    return [replace(images[0], rows=tuple(rows[i] for i in g)) for g in _groups(len(rows), batch_size)]


def _image_from_batch(place: Place, image: Batch, batch_index: int, length: int = 1):
    if image.clip:
        if len(image.rows) > 1:
            raise Untraceable(f"{place} takes frames out of clips of unknown length")
        return replace(image, clip=length > 1)
    start, stop = _part(len(image.rows), batch_index, length)
    return replace(image, rows=image.rows[start:stop])


def _repeat_image_batch(place: Place, image: Batch, amount: int):
    return replace(image, rows=_repeated(image.rows, amount))


def _image_batch(place: Place, image1: Batch, image2: Batch):
    if image1.clip != image2.clip:
        raise Untraceable(f"{place} joins a clip of unknown length to pictures")
    return replace(image1, rows=image1.rows + image2.rows)


def _load_image(place: Place):
    return Batch((Row(given=True),))


def _vae_encode(place: Place, pixels: Batch):
    return replace(pixels, index=None)


def _vae_encode_audio(place: Place, audio: Batch):
    return replace(audio, index=None)


# ---------------------------------------------------------------------------------------- latents of their own kind


def _empty_audio(place: Place, seconds: float | None, batch_size: int = 1):
    _check(batch_size)
    return Batch((Row(),) * batch_size, size=None if seconds is None else (seconds,))


def _stable_cascade(place: Place, width: int, height: int, batch_size: int = 1):
    _check(batch_size)
    latent = Batch((Row(),) * batch_size, size=(width, height))
    # The second stage starts from a noise of its own, and the first one's result guides it.
    return latent, Untraceable("a Stable Cascade picture is made of two noises, which no single seed stands for")


def _zero123_batched(place: Place, width: int, height: int, batch_size: int = 1):
    _check(batch_size)
    return Batch((Row(),) * batch_size, index=(0,) * batch_size, size=(width, height))


def _svd(place: Place):
    raise Untraceable("a clip of Stable Video Diffusion has a noise for each frame, which no single seed stands for")


def _whole(denoise: float | None) -> bool | None:
    return None if denoise is None else denoise > 0.9999  # core's own bound


def _part(count: int, first: int, length: int) -> tuple[int, int]:
    """As core cuts a batch: within it, at least one row."""
    first = min(count - 1, max(0, first))
    return first, first + max(1, min(count - first, length))


def _repeated(rows: tuple, amount: int) -> tuple:
    _check(len(rows) * amount)
    return rows * amount


def _groups(count: int, size: int) -> list[range]:
    size = max(1, size)
    return [range(start, min(start + size, count)) for start in range(0, count, size)]


def _check(count: int) -> None:
    if not 1 <= count <= MOST_ROWS:
        raise Untraceable(f"a batch of {count} is not between 1 and {MOST_ROWS}")


STOCK = {
    "KSampler": Rule(_ksampler),
    "KSamplerAdvanced": Rule(_ksampler_advanced),
    "SamplerCustom": Rule(_sampler_custom),
    "SamplerCustomAdvanced": Rule(_sampler_custom_advanced),
    "AddNoise": Rule(_add_noise),
    "RandomNoise": Rule(_random_noise),
    "DisableNoise": Rule(_disable_noise),
    "BasicScheduler": Rule(_basic_scheduler),
    "SplitSigmas": Rule(_split_sigmas),
    "SplitSigmasDenoise": Rule(_split_sigmas_denoise),
    "FlipSigmas": Rule(_flip_sigmas),
    "LatentFromBatch": Rule(_latent_from_batch),
    "RepeatLatentBatch": Rule(_repeat_latent_batch),
    "LatentBatch": Rule(_latent_batch),
    "LatentBatchSeedBehavior": Rule(_seed_behavior),
    "RebatchLatents": Rule(_rebatch_latents, lists="in out"),
    "RebatchImages": Rule(_rebatch_images, lists="in out"),
    "ImageFromBatch": Rule(_image_from_batch),
    "RepeatImageBatch": Rule(_repeat_image_batch),
    "ImageBatch": Rule(_image_batch),
    "LoadImage": Rule(_load_image),
    "LoadImageOutput": Rule(_load_image),
    "VAEEncode": Rule(_vae_encode),
    "VAEEncodeTiled": Rule(_vae_encode),
    "LoadAudio": Rule(_load_image),
    "VAEEncodeAudio": Rule(_vae_encode_audio),
    "EmptyLatentAudio": Rule(_empty_audio),
    "EmptyAceStepLatentAudio": Rule(_empty_audio),
    "StableCascade_EmptyLatentImage": Rule(_stable_cascade),
    "StableZero123_Conditioning_Batched": Rule(_zero123_batched),
    "SVD_img2vid_Conditioning": Rule(_svd),
}
