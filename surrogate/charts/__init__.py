"""Weight charts: `u` in the cube [0, 1]^(k-1) to weights `w` on the non-negative part of the unit sphere, and back.

`CHARTS` maps a name to a chart. To add one, write a file with a `Chart`, import it here and give it its line in `CHARTS`:
the tests of the laws and the nodes' drop-down follow the registry. `chart_named` finds also `whole_sphere`, which is not
for choosing: an adaptive search uses it.
"""

from .angular import Angular
from .base import TOLERANCE, Chart, check_coordinates, check_weights
from .knothe_rosenblatt import KnotheRosenblatt
from .whole_sphere import WholeSphere

__all__ = [
    "CHARTS",
    "TOLERANCE",
    "Angular",
    "Chart",
    "KnotheRosenblatt",
    "WholeSphere",
    "chart_named",
    "check_coordinates",
    "check_weights",
]

CHARTS: dict[str, Chart] = {
    chart.name: chart
    for chart in (
        KnotheRosenblatt(),
        Angular(),
    )
}

_WHOLE_SPHERE = WholeSphere()


def chart_named(name: str) -> Chart:
    """The chart `name`. Raises ValueError for a name that no chart has."""
    if name == _WHOLE_SPHERE.name:
        return _WHOLE_SPHERE
    if name not in CHARTS:
        raise ValueError(f"There is no chart {name!r}: choose one of {', '.join(CHARTS)}.")
    return CHARTS[name]
