"""MP4, MOV, WebM and MKV through PyAV, which ComfyUI has. Imported when the first video is read."""

from __future__ import annotations

from typing import BinaryIO

from ..errors import CannotRead
from .bounds import Texts
from .containers import CHECKS
from .exif import add_tags

__all__ = ["open_container", "read_matroska", "read_mp4"]

# Read from a file at most, for the metadata or a frame.
BUDGET = 1 << 28
# Seconds that FFmpeg may take to open a file: broken ones can send it back and forth.
PATIENCE = 10.0
# Brands of pictures that begin as films do.
STILLS = {b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1"}


def read_mp4(file: BinaryIO) -> dict:
    """The fields of `Embedded` of an MP4 or MOV file."""
    if file.read(12)[8:] in STILLS:
        raise CannotRead("it is an AVIF or HEIF picture, which is not read: take the file that ComfyUI saved")
    return _read(file, "mov", "MP4")


def read_matroska(file: BinaryIO) -> dict:
    """The fields of `Embedded` of a WebM or MKV file."""
    return _read(file, "matroska", "WebM")


def _read(file: BinaryIO, demuxer: str, kind: str) -> dict:
    texts = Texts()
    with open_container(file, demuxer) as container:
        stream = next(iter(container.streams.video), None)
        if stream is None or stream.codec_context is None:
            raise CannotRead("it has no pictures that can be read")
        width, height, frames = stream.width, stream.height, stream.frames
        entries = list(container.metadata.items())
    add_tags(texts, entries)
    return {"kind": kind, "width": width, "height": height, "frames": max(0, frames), "texts": texts.found}


def open_container(file: BinaryIO, demuxer: str):
    """A PyAV container of the open film or sound `file`, read by `demuxer` alone.

    By its content FFmpeg would also find play lists, which open other files and addresses. Raises CannotRead.
    """
    try:
        import av
        import av.error
    except ImportError:
        raise CannotRead(
            "films and sounds need the package av (PyAV), which this Python does not have: pip install av"
        ) from None
    CHECKS[demuxer](file)
    file.seek(0)
    options = {"enable_drefs": "0"} if demuxer == "mov" else {}
    try:
        return av.open(_Bounded(file), format=demuxer, options=options, metadata_errors="replace", timeout=PATIENCE)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise CannotRead(
            f"it is broken, or not what its first bytes say: {getattr(error, 'strerror', None) or error}"
        ) from None


class _Bounded:
    """The file, which ends after BUDGET bytes have been read from it, however often they were read."""

    def __init__(self, file: BinaryIO):
        self.file, self.left = file, BUDGET

    def read(self, count: int = -1) -> bytes:
        data = self.file.read(min(count, self.left) if count >= 0 else self.left)
        self.left -= len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        return self.file.seek(offset, whence)

    def tell(self) -> int:
        return self.file.tell()
