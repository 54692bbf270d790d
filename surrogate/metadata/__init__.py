"""Seeds from pictures: which noise made the files that ComfyUI saved. Reads metadata, executes nothing.

    read_embedded  size and texts of a picture, video or sound file           files/embedded.py, png.py, sound.py, …
    parse_prompt   the API prompt in it, checked                              graph/prompt.py
    Trace          where each picture of a batch gets its noise               graph/trace.py, with rules for core's
                                                                              nodes (stock.py) and for ours (ours.py)
    savers_of      which node wrote the file                                  graph/savers.py
    seeds_of       all together, for one file                                 reader.py, with which picture of a batch
                                                                              it is (files/numbering.py), recipes of
                                                                              Render Points (recipe.py) and files of
                                                                              other programs (origin.py)
    seeds_of_pictures  for all files, which are compared (comparing.py)       finder.py
                       and each named in a report (report.py)
    read_frames    the picture itself, small                                  files/pixels.py
    list_pictures  from what a person writes to paths, and which may be read  files/listing.py

>>> from surrogate.metadata import seeds_of_pictures
>>> pictures = seeds_of_pictures(["ComfyUI_00001_.png", "ComfyUI_00002_.png"])
>>> print(pictures.report)

Everything in a file is a stranger's: sizes, depths and counts are bounded, other kinds of files refused, no file but
the one asked for is opened (and, for Render Points, the noises beside it), nothing is imported or run.
"""

from .errors import CannotRead, Untraceable
from .files.embedded import Embedded, read_embedded
from .files.listing import Listing, list_pictures
from .files.pixels import read_frames
from .finder import seeds_of, seeds_of_pictures
from .found import Found, Pictures
from .graph.prompt import parse_prompt
from .graph.savers import savers_of
from .graph.trace import Trace

__all__ = [
    "CannotRead",
    "Embedded",
    "Found",
    "Listing",
    "Pictures",
    "Trace",
    "Untraceable",
    "list_pictures",
    "parse_prompt",
    "read_embedded",
    "read_frames",
    "savers_of",
    "seeds_of",
    "seeds_of_pictures",
]
