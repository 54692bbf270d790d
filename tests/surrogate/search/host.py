"""Runs pieces of a test in processes of their own.

This program imports what the tests need once, then forks for each piece: quicker than a new Python each time, and as
fresh, because it does nothing itself. It reads a JSON line a piece, {"code", "args", "result"}, answers with the
process id, and the piece writes what it assigned to `result` to the file named so.
"""

import json
import os
import runpy
import signal
import sys
import traceback
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")
sys.path.append(sys.argv[1])

import cma  # noqa: E402, F401
import numpy as np  # noqa: E402
import optuna.samplers._gp.sampler  # noqa: E402, F401
import psutil  # noqa: E402, F401

from surrogate.search import Study, sqlite_files, statements  # noqa: E402

statements.sql()
sqlite_files._pattern()


def run(code: str, args: dict, path: str) -> None:
    script = Path(path + ".py")
    script.write_text(code, "utf-8")
    try:
        names = runpy.run_path(str(script), {"Study": Study, "np": np, **args})
        answer = {"result": names.get("result")}
    except BaseException:
        answer = {"error": traceback.format_exc()}
    with open(path + ".part", "w") as file:
        json.dump(answer, file)
    os.replace(path + ".part", path)


signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no zombies
for line in sys.stdin:
    piece = json.loads(line)
    pid = os.fork()
    if not pid:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        run(piece["code"], piece["args"], piece["result"])
        os._exit(0)
    print(pid, flush=True)
