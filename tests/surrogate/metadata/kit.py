"""Files that save nodes write, files that attackers write, and a process of its own that reads them within bounds."""

from __future__ import annotations

import json
import subprocess
import sys
import zlib
from pathlib import Path

ROOT = Path(__file__).parents[3]
# Of memory, in MiB, that a file may take for a while: the largest texts that are allowed, some times over.
MOST_MEMORY = 450


def node(kind: str, **inputs) -> dict:
    return {"class_type": kind, "inputs": inputs}


def ksampler(kind: str = "KSampler", **inputs) -> dict:
    settings = {"seed": 5, "steps": 4, "cfg": 1.0, "sampler_name": "euler", "scheduler": "simple", "denoise": 1.0}
    links = {"model": ["model", 0], "positive": ["text", 0], "negative": ["text", 0], "latent_image": ["latent", 0]}
    return node(kind, **(settings | links | inputs))


def graph(count: int = 1, image=("decoded", 0), prefix: str = "x", saver: str = "SaveImage", **more) -> dict:
    """Checkpoint, sampler, decoder and Save Image for a batch of `count`; nodes replaced or added by id."""
    return {
        "model": node("CheckpointLoaderSimple", ckpt_name="base.safetensors"),
        "text": node("CLIPTextEncode", text="a hill", clip=["model", 1]),
        "latent": node("EmptyLatentImage", width=512, height=512, batch_size=count),
        "sampler": ksampler(),
        "decoded": node("VAEDecode", samples=["sampler", 0], vae=["model", 2]),
        "save": node(saver, images=list(image), filename_prefix=prefix),
        **more,
    }


def chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def png(*chunks: bytes, size: tuple[int, int] = (8, 8)) -> bytes:
    """A PNG with these chunks between its header and its (black) pixels."""
    header = size[0].to_bytes(4, "big") + size[1].to_bytes(4, "big") + b"\x08\x02\0\0\0"
    pixels = zlib.compress(b"\0" * ((size[0] * 3 + 1) * size[1]))
    whole = (chunk(b"IHDR", header), *chunks, chunk(b"IDAT", pixels), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(whole)


def text(name: str, value: str | bytes | dict) -> bytes:
    """A tEXt chunk."""
    value = json.dumps(value) if isinstance(value, dict) else value
    return chunk(b"tEXt", name.encode() + b"\0" + (value.encode() if isinstance(value, str) else value))


def picture(prompt: str | bytes | dict) -> bytes:
    """A PNG with `prompt`."""
    return png(text("prompt", prompt))


READ = """
import json, pathlib, sys, time
sys.path.append(sys.argv[1])
from surrogate.metadata import CannotRead, read_frames, seeds_of
try:
    import resource
except ImportError:  # Windows
    resource = None
def peak():
    if resource is None:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1 << 20 if sys.platform == "darwin" else 1 << 10)
for path in map(pathlib.Path, sys.argv[3:]):
    print(json.dumps(path.name), flush=True)
    before, start = peak(), time.process_time()
    found = seeds_of(path)
    said = {"labels": [seed.label for seed in found.seeds], "reason": found.reason, "notes": found.notes}
    if sys.argv[2] == "frames":
        try:
            read_frames(path, (0, 3), longest=64)
            said["frames"] = ""
        except CannotRead as error:
            said["frames"] = str(error)
    print(json.dumps({**said, "memory": peak() - before, "seconds": time.process_time() - start}), flush=True)
"""


def answers(paths: list[Path], frames: bool = False, patience: float = 500) -> dict[str, dict]:
    """What a process of its own says of each file, by name: labels, reason, notes, and the memory it grew by (MiB).

    With `frames` also why its pixels cannot be read, or "". A process that crashes or hangs fails the test.
    """
    program = [sys.executable, "-c", READ, str(ROOT), "frames" if frames else "texts", *map(str, paths)]
    try:
        done = subprocess.run(program, capture_output=True, text=True, timeout=patience)
    except subprocess.TimeoutExpired as error:
        raise AssertionError(f"no answer in {patience} s, the last file was {_last(error.stdout)}") from None
    assert done.returncode == 0, f"died at {_last(done.stdout)}: {done.stderr[-2000:]}"
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return dict(zip(lines[::2], lines[1::2], strict=True))


def _last(said: str | bytes | None) -> str:
    said = said.decode() if isinstance(said, bytes) else said or ""
    return (said.splitlines() or ["none"])[-1][:300]


def answers_of(folder: Path, files: dict[str, bytes], frames: bool = False) -> dict[str, dict]:
    """The same for `files` by their names (of cases, without a suffix), written into `folder`."""
    paths = []
    for number, data in enumerate(files.values()):
        paths.append(folder / f"{number}.png")
        paths[-1].write_bytes(data)
    said = answers(paths, frames)
    return {name: said[path.name] for name, path in zip(files, paths, strict=True)}
