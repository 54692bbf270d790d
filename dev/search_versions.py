"""Run the tests of the search with the oldest and the newest optuna and cma that requirements.txt allows.

    python dev/search_versions.py [arguments for pytest …]

By hand, before the bounds are changed: it downloads the packages to a temporary folder and leaves the environment as it
is. Run it with the Python of the test environment.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).absolute().parents[1]
PACKAGES = ("optuna", "cma")
TESTS = ("tests/surrogate/search/test_store.py", "tests/surrogate/search/test_optimisers.py")


def bounds(package: str) -> tuple[str, str]:
    """The requirements of the oldest and of the newest version of `package` that requirements.txt allows."""
    found = re.search(rf"^{package}>=([\d.]+),<([\d.]+)$", (ROOT / "requirements.txt").read_text("utf-8"), re.M)
    if found is None:
        raise SystemExit(f"requirements.txt has no line such as {package}>=1.2,<3.")
    return f"{package}=={found[1]}.*", f"{package}>={found[1]},<{found[2]}"


def run(requirements: list[str], arguments: list[str]) -> int:
    """The exit status of the tests with these packages in place of the installed ones."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder, *requirements]
        subprocess.run(command, check=True)
        print(f"== {', '.join(sorted(path.name for path in Path(folder).glob('*.dist-info')))}", flush=True)
        tests = [sys.executable, str(ROOT / "dev" / "launch.py"), "-m", "pytest", "-q", *TESTS, *arguments]
        places = os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH", "")]))
        # The first is for processes that the tests start, the other for a Python that ignores it.
        return subprocess.run(
            tests, cwd=ROOT, env={**os.environ, "PYTHONPATH": places, "SURROGATE_SITE": folder}
        ).returncode


def main() -> None:
    oldest, newest = zip(*map(bounds, PACKAGES), strict=True)
    sys.exit(max(run(list(requirements), sys.argv[1:]) for requirements in (oldest, newest)))


if __name__ == "__main__":
    main()
