"""What a sampler starts from: core's empty latents, loaded and painted pictures, and latents that are made of them."""

from __future__ import annotations

from dataclasses import replace

from ..errors import Untraceable
from .batches import check_rows
from .rules import Place, Rule
from .values import Batch, Opaque, Row, Unknown, batch_of

__all__ = ["LATENTS"]

TWO_NOISES = "a Stable Cascade picture is made of two noises, which no single seed stands for"
NOISE_PER_FRAME = "a clip of Stable Video Diffusion has a noise for each frame, which no single seed stands for"


# ------------------------------------------------------------------------------------------------------------ pictures


def _load_image(place: Place):
    return Batch((Row(given=True),), decoded=True)


def _painted(place: Place, batch_size: int = 1):
    check_rows(batch_size)
    return Batch((Row(given=True),) * batch_size, decoded=True)


def _encode(place: Place, pixels: object) -> Batch:
    """The latent of pictures, or of one picture of which nothing is known."""
    if isinstance(pixels, Unknown):
        raise Untraceable(pixels.reason)
    batch = batch_of(pixels)
    if batch is None:
        source = pixels.node if isinstance(pixels, Opaque) else str(place)
        note = f"how many pictures {source} gives is not in the file: taken to be one"
        return Batch((Row(given=True, unsure=True, notes=(note,)),))
    return replace(batch, index=None, decoded=False, masked=False).each(
        lambda row: row if row.made else replace(row, given=True)
    )


def _vae_encode(place: Place, pixels: object):
    return _encode(place, pixels)


def _vae_encode_masked(place: Place, pixels: object):
    return _masked(place, _encode(place, pixels))


def _inpainted(place: Place, pixels: object, noise_mask: object = True):
    guidance = Opaque(str(place))
    latent = _encode(place, pixels)
    return guidance, guidance, latent if noise_mask is False else _masked(place, latent)


def _masked(place: Place, samples: Batch):
    return replace(samples, masked=True)


def _unmasked(place: Place, samples: Batch):
    return replace(samples, masked=False)


def _vae_encode_audio(place: Place, audio: object):
    return _encode(place, audio)


# --------------------------------------------------------------------------------------------------------- new latents


def _empty_audio(place: Place, seconds: float | None, batch_size: int = 1):
    check_rows(batch_size)
    return Batch((Row(),) * batch_size, size=None if seconds is None else (seconds,))


def _single(place: Place, width: int | None = None, height: int | None = None, length: int | None = None):
    """A latent for one picture or clip, whatever guides it."""
    size = None if width is None or height is None else (width, height) if length is None else (width, height, length)
    return Batch((Row(),), size=size, clip=length is not None and length > 1)


def _fresh(place: Place, batch: Batch) -> tuple[Opaque, Opaque, Batch]:
    """Conditioning that holds what is given, and an empty latent for as many rows."""
    guidance = Opaque(str(place))
    return guidance, guidance, Batch((Row(),) * len(batch.rows), clip=batch.clip)


def _refined(place: Place, latent: Batch):
    return _fresh(place, latent)


def _edited(place: Place, pixels: Batch):
    return _fresh(place, pixels)


def _four_times(place: Place, images: Batch):
    return _fresh(place, images)


def _stable_cascade(place: Place, width: int, height: int, batch_size: int = 1):
    check_rows(batch_size)
    latent = Batch((Row(),) * batch_size, size=(width, height))
    # The second stage starts from a noise of its own, and the first one's result guides it.
    return latent, Untraceable(TWO_NOISES)


def _stable_cascade_of_picture(place: Place, image: object):
    return _encode(place, image), Untraceable(TWO_NOISES)


def _zero123_batched(place: Place, width: int, height: int, batch_size: int = 1):
    check_rows(batch_size)
    return Batch((Row(),) * batch_size, index=(0,) * batch_size, size=(width, height))


def _noise_per_frame(place: Place):
    raise Untraceable(NOISE_PER_FRAME)


LATENTS = {
    "LoadImage": Rule(_load_image),
    "LoadImageOutput": Rule(_load_image),
    "LoadAudio": Rule(_load_image),
    "EmptyImage": Rule(_painted),
    "VAEEncode": Rule(_vae_encode),
    "VAEEncodeTiled": Rule(_vae_encode),
    "VAEEncodeForInpaint": Rule(_vae_encode_masked),
    "InpaintModelConditioning": Rule(_inpainted),
    "SetLatentNoiseMask": Rule(_masked),
    "RemoveNoiseMask": Rule(_unmasked),
    "RemoveLatentMask+": Rule(_unmasked),
    "VAEEncodeAudio": Rule(_vae_encode_audio),
    "EmptyLatentAudio": Rule(_empty_audio),
    "EmptyAceStepLatentAudio": Rule(_empty_audio),
    "EmptyAceStep1.5LatentAudio": Rule(_empty_audio),
    "EmptyMiniMaxH3LatentAV": Rule(_single),
    "MiniMaxH3ImageToVideo": Rule(_single),
    "MiniMaxH3ReferenceToVideo": Rule(_single),
    "WanDancerVideo": Rule(_single),
    "WanInfiniteTalkToVideo": Rule(_single),
    "HunyuanRefinerLatent": Rule(_refined),
    "HunyuanVideo15SuperResolution": Rule(_refined),
    "InstructPixToPixConditioning": Rule(_edited),
    "SD_4XUpscale_Conditioning": Rule(_four_times),
    "StableCascade_EmptyLatentImage": Rule(_stable_cascade),
    "StableCascade_StageC_VAEEncode": Rule(_stable_cascade_of_picture),
    "StableZero123_Conditioning_Batched": Rule(_zero123_batched),
    "SVD_img2vid_Conditioning": Rule(_noise_per_frame),
    "SV3D_Conditioning": Rule(_noise_per_frame),
}
