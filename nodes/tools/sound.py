"""The sound of clips whose latents have a part for it: decoded, kept as a file, and put under the clip."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from comfy_api.latest import InputImpl, Types
from scipy.io import wavfile

from ...surrogate.pictures import Sound, sound_pictures
from .parts import part_for

__all__ = ["decode_sounds", "drawn_sounds", "load_sound", "save_clip", "save_sound", "silence"]

log = logging.getLogger("ComfyUI-Surrogate")
RATE = 44100
WIDTH = 512  # pixels of a sound's picture


def decode_sounds(vae, parts: list[torch.Tensor], name: str = "audio_vae") -> list[dict]:
    """For each sample of the latent's `parts` its sound, an AUDIO of one (1, channels, samples) on the processor.

    As core's VAE Decode Audio gives it; of a VAE that core decodes with a node of its own (LTX-2), as that node does.
    Raises ValueError if the input `name` is not a VAE for sound, or an `audio_vae` for a latent of one part alone.
    """
    if len(parts) < 2 and name == "audio_vae":
        raise ValueError(
            f"audio_vae: the latent has one part, of shape {tuple(parts[0].shape[1:])}, and so none for sound. Disconnect "
            "audio_vae, or connect the latent of a model that makes clips with sound, such as LTX-2."
        )
    sound = vae.decode(parts[part_for(vae, parts, -1)])
    if sound.ndim != 3:
        raise ValueError(
            f"{name} decodes to shape {tuple(sound.shape)}, which is not sound (batch, samples, channels): connect the "
            f"audio VAE there{' and the one for pictures to vae' if name == 'audio_vae' else ''}."
        )
    sound = sound.movedim(-1, 1).float().cpu()
    rate = getattr(vae, "audio_sample_rate_output", None)
    if rate is None:
        sound = sound / (5 * sound.std(dim=(1, 2), keepdim=True)).clamp(min=1.0)
    rate = int(getattr(vae, "audio_sample_rate", RATE) if rate is None else rate)
    return [{"waveform": sound[i : i + 1], "sample_rate": rate} for i in range(len(sound))]


def drawn_sounds(sounds: list[dict]) -> torch.Tensor:
    """A picture of each AUDIO of `sounds`, its waveform and spectrogram, as (n, 1, h, w, c) in [0, 1].

    Each by itself, so that the others of its batch do not matter.
    """
    drawn = [sound_pictures([Sound(one["waveform"][0].numpy(), one["sample_rate"])], width=WIDTH)[0] for one in sounds]
    return torch.from_numpy(np.stack(drawn))[:, None].float() / 255


def silence(frames: int, frames_per_second: float) -> dict:
    """A silent AUDIO as long as a clip."""
    return {"waveform": torch.zeros(1, 1, max(1, round(RATE * frames / frames_per_second))), "sample_rate": RATE}


def save_sound(path: Path, sound: dict) -> None:
    """A WAV file of 32-bit floats, without loss; it appears when it is complete. Raises OSError if it cannot be written."""
    part = path.with_suffix(".wav.part")
    try:
        wavfile.write(part, sound["sample_rate"], sound["waveform"][0].T.contiguous().numpy())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def load_sound(path: Path) -> dict | None:
    """What `save_sound` wrote; None if it is missing or damaged."""
    try:
        rate, values = wavfile.read(path)
    except (OSError, ValueError) as error:
        if path.exists():
            log.warning("%s cannot be read (%s) and is made again.", path.name, error)
        return None
    values = values if values.ndim == 2 else values[:, None]
    return {"waveform": torch.from_numpy(values.T.astype(np.float32))[None], "sample_rate": int(rate)}


def save_clip(path: Path, frames: np.ndarray, sound: dict, frames_per_second: float, texts: Mapping[str, str]) -> bool:
    """An MP4 of frames (t, h, w, c) uint8 with their sound and `texts` (JSON), as core's Save Video writes it.

    False, with a line in the log, if it cannot be written: the picture and the sound are kept without loss anyway.
    """
    part = path.with_suffix(".part.mp4")
    height, width = (2 * max(1, side // 2) for side in frames.shape[1:3])  # the encoder wants even sides
    pixels = torch.from_numpy(_rgb(frames)[:, :height, :width]).float() / 255
    audio = {**sound, "waveform": sound["waveform"][:, :2].nan_to_num(0.0).clamp(-1.0, 1.0)}
    components = Types.VideoComponents(images=pixels, audio=audio, frame_rate=Fraction(frames_per_second))
    try:
        InputImpl.VideoFromComponents(components).save_to(
            str(part), metadata={name: json.loads(text) for name, text in texts.items()}
        )
        os.replace(part, path)
    except Exception as error:  # the encoder's reasons: a codec that is not there, a rate it does not know, a full disk
        log.warning("No clip with sound %s: %s: %s", path.name, type(error).__name__, error)
        return False
    finally:
        part.unlink(missing_ok=True)
    return True


def _rgb(frames: np.ndarray) -> np.ndarray:
    return np.repeat(frames, 3, axis=-1) if frames.shape[-1] == 1 else frames[..., :3]
