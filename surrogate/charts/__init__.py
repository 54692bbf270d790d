"""Weight charts: `u` in the cube [0, 1]^(k-1) to weights `w` on the non-negative part of the unit sphere, and back.

`CHARTS` maps a name to a chart. To add one, write a file with a `Chart` and a line here: the tests of the laws
and the nodes' drop-down follow the registry.
"""

from .angular import Angular
from .base import TOLERANCE, Chart, check_coordinates, check_weights
from .knothe_rosenblatt import KnotheRosenblatt

__all__ = ["CHARTS", "TOLERANCE", "Angular", "Chart", "KnotheRosenblatt", "check_coordinates", "check_weights"]

CHARTS: dict[str, Chart] = {chart.name: chart for chart in (KnotheRosenblatt(), Angular())}
