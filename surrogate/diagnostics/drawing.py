"""The check as a drawing: histograms, what neighbours have in common, how alike the seeds are."""

from __future__ import annotations

import math

import numpy as np

from ..pictures import gram_picture
from ..pictures.compose import above
from ..pictures.noise import NoisePanel, noise_panels
from .measure import EDGES, LAGS, axis_names
from .report import Report
from .verdict import Grade

__all__ = ["drawing"]

MOST_PANELS = 24
_ORDER = (Grade.FIT, Grade.OFF, Grade.FAR)


def drawing(report: Report) -> np.ndarray:
    """(height, width, 3) uint8. Of many seeds the worst have panels; the matrix has all."""
    measured = report.measured
    several = len(measured.parts) > 1
    panels = []
    for seed, verdict in zip(measured.seeds, report.verdicts, strict=True):
        for part, m in enumerate(seed.inner):
            names = axis_names(len(m.autocorrelation) + 1)
            panels.append(
                NoisePanel(
                    f"{seed.label}, part {part + 1}" if several else seed.label,
                    m.density,
                    m.autocorrelation.ravel(),
                    [f"{name}+{lag}" for name in names for lag in LAGS],
                    4 / math.sqrt(m.size),
                    f"norm {math.sqrt(m.power):.2f} · KS {m.ks:.3f} · form {m.shape:.3f}",
                    _ORDER.index(verdict.grade),
                )
            )
    kept = sorted(sorted(range(len(panels)), key=lambda i: -panels[i].grade)[:MOST_PANELS])
    left_out = f" The {len(kept)} worst of {len(panels)} are drawn." if len(kept) < len(panels) else ""
    page = noise_panels(
        [panels[i] for i in kept],
        EDGES,
        title="Seeds as noise",
        caption=f"{report.overall}{left_out}\n{report.advice.splitlines()[0]}\nBlue: values; line: noise. "
        "Right: correlation of values 1 and 2 apart, from -0.5 to 0.5; grey: chance.",
    )
    if len(measured.seeds) == 1:
        return page
    labels = [seed.label for seed in measured.seeds]
    return above([page, gram_picture(measured.correlation, labels, title="How alike the seeds are")])
