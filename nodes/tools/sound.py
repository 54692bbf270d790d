"""Sounds, alone or as a part of a clip's latent: decoded, drawn, and kept as files."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import scipy
import torch
from comfy_api.latest import InputImpl, Types

from ...surrogate.pictures.sounds import Sound, sound_pictures
from .parts import part_for

__all__ = [
    "decode_sounds",
    "drawn",
    "is_for_sound",
    "load_sound",
    "save_clip",
    "save_flac",
    "save_mp3",
    "save_sound",
    "silence",
]

log = logging.getLogger("ComfyUI-Surrogate")
RATE = 44100
MP3_RATES = (32000, 44100, 48000)


def is_for_sound(vae) -> bool:
    """Whether `vae` decodes to sound alone: in every version of core such a VAE has two output channels."""
    return getattr(vae, "output_channels", 3) == 2


def decode_sounds(vae, parts: list[torch.Tensor], alone: bool = False) -> list[dict]:
    """For each sample of the latent's `parts` its sound, an AUDIO of one (1, channels, samples) on the processor.

    As core's VAE Decode Audio gives it; of a VAE that core decodes with a node of its own (LTX-2), as that node does.
    Raises ValueError if the VAE is not for sound, or the latent is of one part and is not `alone` a sound.
    """
    if len(parts) < 2 and not alone:
        raise ValueError(
            f"audio_vae: the latent has one part, of shape {tuple(parts[0].shape[1:])}, and so none for sound. Disconnect "
            "audio_vae, or connect the latent of a model that makes clips with sound, such as LTX-2."
        )
    sound = vae.decode(parts[part_for(vae, parts, -1)])
    if sound.ndim != 3:
        raise ValueError(
            f"audio_vae decodes to shape {tuple(sound.shape)}, which is not sound (batch, samples, channels): connect the "
            "audio VAE there and the one for pictures to vae."
        )
    sound = sound.movedim(-1, 1).float().cpu()
    rate = getattr(vae, "audio_sample_rate_output", None)
    if rate is None:
        sound = sound / (5 * sound.std(dim=(1, 2), keepdim=True)).clamp(min=1.0)
    rate = int(getattr(vae, "audio_sample_rate", RATE) if rate is None else rate)
    return [{"waveform": sound[i : i + 1], "sample_rate": rate} for i in range(len(sound))]


def drawn(sound: dict) -> np.ndarray:
    """The waveform and spectrogram of an AUDIO of one, as a picture of one frame (1, h, w, 3) uint8."""
    samples = sound["waveform"][0].detach().cpu().float().numpy()
    return sound_pictures([Sound(samples, sound["sample_rate"])])[0][None]


def silence(frames: int, frames_per_second: float) -> dict:
    """A silent AUDIO as long as a clip."""
    return {"waveform": torch.zeros(1, 1, max(1, round(RATE * frames / frames_per_second))), "sample_rate": RATE}


def save_sound(path: Path, sound: dict) -> None:
    """A WAV file of 32-bit floats, without loss; it appears when it is complete. Raises OSError if it cannot be written."""
    part = path.with_suffix(".wav.part")
    try:
        scipy.io.wavfile.write(part, sound["sample_rate"], sound["waveform"][0].T.contiguous().numpy())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def save_flac(path: Path, sound: dict, texts: Mapping[str, str]) -> None:
    """A FLAC file of an AUDIO of one with `texts`, as core's Save Audio writes it.

    It appears when it is complete. Raises ValueError if it cannot be written.
    """
    _encode(path, sound, "flac", int(sound["sample_rate"]), texts)


def save_mp3(path: Path, sound: dict) -> None:
    """An MP3 of 128 kbit/s, which every browser plays; otherwise as `save_flac`."""
    rate = int(sound["sample_rate"])
    _encode(path, sound, "mp3", rate if rate in MP3_RATES else RATE, {})


def _encode(path: Path, sound: dict, kind: str, rate: int, texts: Mapping[str, str]) -> None:
    part = path.with_name(f"{path.name}.part")
    samples = sound["waveform"][0, :2].nan_to_num(0.0).float().numpy()
    layout = "stereo" if len(samples) > 1 else "mono"
    try:
        with av.open(str(part), "w", format=kind) as container:
            container.metadata.update(texts)
            stream: Any = container.add_stream(kind, rate=rate, layout=layout)
            frame = av.AudioFrame.from_ndarray(samples.T.reshape(1, -1).copy(), format="flt", layout=layout)
            frame.sample_rate, frame.pts = int(sound["sample_rate"]), 0
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        os.replace(part, path)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise ValueError(f"A sound of {sound['sample_rate']} Hz cannot be saved as {path.name}: {error}.") from error
    finally:
        part.unlink(missing_ok=True)


def load_sound(path: Path) -> dict | None:
    """What `save_sound` wrote; None if it is missing or damaged."""
    try:
        rate, values = scipy.io.wavfile.read(path)
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
