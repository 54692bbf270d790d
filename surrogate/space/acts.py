"""What is typed into the node that makes a space, made into one.

The function is the node's act: the node calls it with what was typed and shows its defaults, and the reader of prompts in
pictures calls the same function.
"""

from __future__ import annotations

from ..charts import CHARTS
from ..seeds import Seeds
from ..settings import json_settings
from ..transports import TRANSPORTS, make_transport
from .space import SurrogateSpace

__all__ = ["space"]


def space(
    seeds: Seeds,
    chart: str = next(iter(CHARTS)),
    transport: str = next(iter(TRANSPORTS)),
    transport_settings: str = "",
) -> SurrogateSpace:
    """The space of `seeds`, of which equal ones count once; `transport_settings` are JSON, or empty for the defaults."""
    settings = json_settings(transport_settings, "transport_settings")
    return SurrogateSpace(seeds.deduplicated()[0], chart, make_transport(transport, **settings))
