"""Pictures of spaces and searches, as uint8 arrays (height, width, 3). numpy and Pillow only.

`contact_sheet` many pictures on one, with labels; `plan_sheet` gives its layout first (for animations and clicks).
`gram_picture`  how alike the seeds are.
`score_curve`   the course of a search: every score, and the best so far.
`space_map`     a space of two coordinates: contours of the score, and where it was asked.
`parallel_coordinates`  the weights of all points of a search, coloured by score.
`rows_picture`  things as rows: a name, numbers as bars, a word.
`sound_sheet`   sounds as waveforms and spectrograms on a contact sheet; `sound_pictures` without a sheet.
"""

from .curves import score_curve
from .map import space_map
from .matrix import gram_picture
from .parallel import parallel_coordinates
from .rows import Column, rows_picture
from .sheet import ContactSheet, contact_sheet, plan_sheet
from .sounds import SOUND_KINDS, Sound, sound_facts, sound_pictures, sound_sheet

__all__ = [
    "SOUND_KINDS",
    "Column",
    "ContactSheet",
    "Sound",
    "contact_sheet",
    "gram_picture",
    "parallel_coordinates",
    "plan_sheet",
    "rows_picture",
    "score_curve",
    "sound_facts",
    "sound_pictures",
    "sound_sheet",
    "space_map",
]
