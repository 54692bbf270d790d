"""The checks of ``run.py lint``: style, layout, types, and what is written by scripts: lists of nodes, blueprints.

    python dev/launch.py dev/lint.py [PATH …]     style and layout of these paths alone (default: everything)

Every check runs, whatever the one before said; the exit status is 0 if all passed.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).absolute().parents[1]
sys.path.append(str(ROOT))

from dev.server import link_folder  # noqa: E402

# The name under which mypy sees the checkout, whatever its folder is called: the nodes import the library relatively.
TYPED = "surrogate_pack"
LAUNCH = ROOT / "dev" / "launch.py"
WRITTEN = {"tables": ROOT / "dev" / "tables.py", "blueprints": ROOT / "dev" / "blueprints.py"}


def main(paths: list[str]) -> int:
    checks = {
        "style": _style(paths or ["."]),
        "layout": _layout(paths or ["."]),
        "types": _types(),
        **{name: _passes(str(script), "--check") for name, script in WRITTEN.items()},
    }
    failed = [name for name, passed in checks.items() if not passed]
    print(f"lint: {', '.join(failed)} failed" if failed else f"lint: {', '.join(checks)} passed", flush=True)
    return 1 if failed else 0


def _style(paths: list[str]) -> bool:
    return _passes("-m", "ruff", "check", *paths)


def _layout(paths: list[str]) -> bool:
    return _passes("-m", "ruff", "format", "--check", *paths)


def _types() -> bool:
    """mypy over the library and the nodes, as one package."""
    folder = ROOT / ".comfy" / "types"
    folder.mkdir(parents=True, exist_ok=True)
    link_folder(ROOT, folder / TYPED)
    options = ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(folder / "cache")]
    packages = [part for name in ("surrogate", "nodes") for part in ("-p", f"{TYPED}.{name}")]
    return _passes("-m", "mypy", *options, *packages, cwd=folder)


def _passes(*command: str, cwd: Path = ROOT) -> bool:
    return subprocess.run([sys.executable, str(LAUNCH), *command], cwd=cwd, stdin=subprocess.DEVNULL).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
