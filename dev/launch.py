"""Run a script or a module as ``python`` would, with three differences that our child processes need.

    python launch.py [--die-with-parent] (SCRIPT | -m MODULE) [arguments …]

- The current folder is not put on ``sys.path``: this repository's ``nodes`` folder would hide ComfyUI's ``nodes.py``.
- The folders named by SURROGATE_SITE are on ``sys.path`` even for a Python that ignores PYTHONPATH, as the one in
  ComfyUI's portable build for Windows does.
- ``--die-with-parent``: the process ends when its standard input is closed. The parent holds the other end of that
  pipe, so the process cannot outlive the parent, however the parent ended.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading


def _die_with_parent() -> None:
    while os.read(0, 1):  # not sys.stdin: its lock, held by this thread, would spoil an orderly end
        pass
    os._exit(1)


def main() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [path for path in sys.path if path != here]
    for path in reversed(os.environ.get("SURROGATE_SITE", "").split(os.pathsep)):
        if path and path not in sys.path:
            sys.path.insert(0, path)

    arguments = sys.argv[1:]
    if arguments[0] == "--die-with-parent":
        threading.Thread(target=_die_with_parent, daemon=True).start()
        del arguments[0]
    if arguments[0] == "-m":
        sys.argv[:] = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv[:] = arguments
        sys.path.insert(0, os.path.dirname(os.path.abspath(arguments[0])))
        runpy.run_path(arguments[0], run_name="__main__")


main()
