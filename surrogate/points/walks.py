"""A walk through points at even speed."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ..charts import check_weights
from ..checks import whole
from ..space import SurrogateSpace
from ..space.arcs import angle, between
from .layouts import check_counts
from .points import Points, of_unit_weights, unit

__all__ = ["path"]


def path(space: SurrogateSpace, waypoints, frames: int = 24, closed: bool = False) -> Points:
    """A walk through `waypoints`, weights (m, k) of unit norm, along great circles, at even angular steps.

    Open: from the first to the last. Closed: back to the first, which is not repeated, so that the frames loop.
    A frame that meets a waypoint is that waypoint exactly. Raises ValueError if the waypoints are all one point.
    """
    waypoints = check_weights(np.atleast_2d(waypoints), space.k, space.chart.signed)
    whole("frames", frames, 2)
    check_counts(frames=frames)
    stops = np.concatenate([waypoints, waypoints[:1]]) if closed else waypoints
    angles = np.array([angle(a, b) for a, b in pairwise(stops)])
    along = np.concatenate([[0.0], np.cumsum(angles)])
    if along[-1] < 1e-9:
        raise ValueError("The path has no length: name at least two different waypoints.")
    w = []
    for s in along[-1] * np.arange(frames) / (frames if closed else frames - 1):
        met = np.flatnonzero(np.abs(along - s) < 1e-9)
        if len(met):
            w.append(stops[met[0]])
            continue
        i = int(np.searchsorted(along, s)) - 1
        w.append(unit(between(stops[i], stops[i + 1], (s - along[i]) / angles[i])[None])[0])
    return of_unit_weights(space, np.array(w))
