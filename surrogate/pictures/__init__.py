"""Pictures of spaces and searches, as uint8 arrays (height, width, 3). numpy and Pillow only.

`contact_sheet` many pictures on one, with labels; `plan_sheet` gives its layout first (for animations and clicks).
`gram_picture`  how alike the seeds are.
"""

from .matrix import gram_picture
from .sheet import ContactSheet, contact_sheet, plan_sheet

__all__ = ["ContactSheet", "contact_sheet", "gram_picture", "plan_sheet"]
