"""What a picture, video or sound file says of itself: its size and its texts. One file for each format."""

from .embedded import Embedded, read_embedded
from .listing import Listing, list_pictures
from .pixels import read_frames

__all__ = ["Embedded", "Listing", "list_pictures", "read_embedded", "read_frames"]
