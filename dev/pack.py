"""The folders of this checkout, and the error that ends a command of ``run.py``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Pack", "SetupError", "shown"]


class SetupError(Exception):
    """One sentence for the person at the keyboard: what failed and what to do."""


@dataclass(frozen=True)
class Pack:
    """The folders of this checkout."""

    root: Path

    @property
    def home(self) -> Path:
        """Everything we make ourselves, except ``.venv``."""
        return self.root / ".comfy"

    @property
    def log(self) -> Path:
        return self.home / "logs" / "setup.log"

    def requirements(self, tests: bool) -> list[Path]:
        names = ["requirements.txt", "requirements-test.txt"] if tests else ["requirements.txt"]
        return [self.root / name for name in names]


def shown(pack: Pack, path: Path) -> str:
    return str(path.relative_to(pack.root))
