"""The archive that ComfyUI's registry keeps of this pack: what git tracks, without what `.comfyignore` names.

    python dev/launch.py dev/archive.py FILE.zip

It has the same files as that of `comfy node pack`, and needs no comfy-cli.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

__all__ = ["packed_files", "write_archive"]

ROOT = Path(__file__).absolute().parents[1]


def packed_files(root: Path = ROOT) -> list[str]:
    """Paths of the files in the archive, with slashes, sorted. Raises CalledProcessError if `root` is no git checkout."""
    ignored = set(_listed(root, "--ignored", "--exclude-from=.comfyignore"))
    return [name for name in _listed(root) if name not in ignored and (root / name).exists()]


def write_archive(file: Path, root: Path = ROOT) -> None:
    """Write the zip archive `file`."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in packed_files(root):
            archive.write(root / name, name)


def _listed(root: Path, *options: str) -> list[str]:
    command = ["git", "-C", str(root), "ls-files", "--cached", "-z", *options]
    found = subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    return sorted(name for name in found.stdout.decode("utf-8").split("\0") if name)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    write_archive(Path(sys.argv[1]))
