"""FLAC, MP3 and Opus files, as core's Save Audio nodes write them, through PyAV, which ComfyUI has."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from ..errors import CannotRead
from .bounds import Texts
from .exif import add_tags
from .video import open_container

__all__ = ["SOUNDS", "decode", "read_flac", "read_mp3", "read_ogg"]

# Kind of file -> the demuxer that reads it.
SOUNDS = {"FLAC": "flac", "MP3": "mp3", "Opus": "ogg"}


def read_flac(file: BinaryIO) -> dict:
    """The fields of `Embedded` of a FLAC file."""
    return _read(file, "FLAC")


def read_mp3(file: BinaryIO) -> dict:
    """The fields of `Embedded` of an MP3 file with ID3 tags."""
    return _read(file, "MP3")


def read_ogg(file: BinaryIO) -> dict:
    """The fields of `Embedded` of an Opus file, or another sound in an Ogg file."""
    return _read(file, "Opus")


def _read(file: BinaryIO, kind: str) -> dict:
    texts = Texts()
    with open_container(file, SOUNDS[kind]) as container:
        stream = _stream(container)
        # Ogg has its texts in the stream, the others in the file.
        entries = [*container.metadata.items(), *stream.metadata.items()]
        length = float(stream.duration * stream.time_base) if stream.duration else (container.duration or 0) / 1e6
    add_tags(texts, entries)
    return {"kind": kind, "width": 0, "height": 0, "frames": 1, "texts": texts.found, "seconds": max(0.0, length)}


def decode(file: BinaryIO, kind: str, most: int) -> tuple[np.ndarray, int]:
    """The sound in a file, or its first `most` samples: (channels, n) float32, and their rate.

    Raises CannotRead if it has none.
    """
    pieces: list[np.ndarray] = []
    left, rate = most, 0
    with open_container(file, SOUNDS[kind]) as container:
        stream = _stream(container)
        for frame in container.decode(stream):
            samples = frame.to_ndarray()
            channels = len(frame.layout.channels)
            if not frame.format.is_planar:
                samples = samples.reshape(-1, channels).T
            if samples.dtype.kind != "f":
                samples = samples / np.float32(-float(np.iinfo(samples.dtype).min))
            if pieces and (len(samples) != len(pieces[0]) or frame.sample_rate != rate):
                break  # a second sound behind the first
            rate = frame.sample_rate
            pieces.append(samples[:, :left].astype(np.float32))
            left -= pieces[-1].shape[1]
            if left <= 0:
                break
    if not pieces or not rate or not sum(piece.shape[1] for piece in pieces):
        raise CannotRead("it has no sound that can be read")
    return np.concatenate(pieces, 1), rate


def _stream(container):
    stream = next(iter(container.streams.audio), None)
    if stream is None or stream.codec_context is None:
        raise CannotRead("it has no sound that can be read")
    return stream
