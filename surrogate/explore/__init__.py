"""Explore by liking: from what a person did on pages of pictures to the noises of the next page."""

from .course import Course
from .session import ACTS, Page, Session

__all__ = ["ACTS", "Course", "Page", "Session"]
