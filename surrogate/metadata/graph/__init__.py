"""The graph that made a file, followed back from the picture to its noise."""

from .prompt import parse_prompt
from .savers import savers_of
from .trace import Trace

__all__ = ["Trace", "parse_prompt", "savers_of"]
