"""Studies as files for other programs, with all that rebuilds an image."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from pathlib import Path

import numpy as np

from ..charts import chart_named
from .definition import Definition
from .values import History

__all__ = ["write_csv", "write_json"]


def write_json(path: str | os.PathLike, name: str, definition: Definition, history: History) -> None:
    """The study's definition, and a list of its points."""
    rows = [
        {
            "number": i,
            "label": history.labels[i],
            "state": str(history.state[i]),
            "reason": history.reasons[i],
            "run": int(history.run[i]),
            "generation": int(history.generation[i]),
            "index": int(history.index[i]),
            "scores": [score if math.isfinite(score) else None for score in history.scores[i].tolist()],
            "u": history.u[i].tolist(),
            **({} if (draft := history.drafts[i]) is None else {"draft": draft.to_json()}),
        }
        for i in range(len(history))
    ]
    _write(path, json.dumps({"study": name, **definition.to_json(), "points": rows}, ensure_ascii=False, indent=1))


def write_csv(path: str | os.PathLike, definition: Definition, history: History) -> None:
    """A header, and one line a point. Numbers have all their digits; the space's recipe ends each line."""
    m = history.scores.shape[1]
    u, recipe = history.u, definition.space
    if chart_named(recipe["chart"]).signed and len(u):
        # An adaptive search ends with noises that nobody has used, and their coordinates are 0.
        used = min(int(np.flatnonzero(u.any(axis=0))[-1]) + 3, definition.k)
        u, recipe = u[:, : used - 1], {**recipe, "seeds": recipe["seeds"][:used]}
    d = u.shape[1]
    names = ["score"] if m == 1 else [f"score{j + 1}" for j in range(m)]
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    coordinates = [f"u{j + 1}" for j in range(d)]
    place = ["number", "label", "state", "run", "generation", "index"]
    table.writerow([*place, *names, *coordinates, "reason", "shape", "space"])
    shape, space = json.dumps(definition.shape), json.dumps(recipe, ensure_ascii=False)
    for i in range(len(history)):
        scores = [repr(score) if math.isfinite(score) else "" for score in history.scores[i].tolist()]
        at = [i, history.labels[i], history.state[i], history.run[i], history.generation[i], history.index[i]]
        coordinates = [repr(value) for value in u[i].tolist()]
        table.writerow([*at, *scores, *coordinates, history.reasons[i], shape, space])
    _write(path, text.getvalue())


def _write(path: str | os.PathLike, text: str) -> None:
    # Aside first: whoever reads meanwhile finds the old file or the new one, never half of one.
    path = Path(path)
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
