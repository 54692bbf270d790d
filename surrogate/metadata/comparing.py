"""What the pictures have in common, and which differ: seeds of another size or model would give other pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ..shapes import Parts, describe
from .found import Found
from .graph.settings import Settings

__all__ = ["compared"]

SHOWN_SETTINGS = 6


@dataclass(frozen=True)
class Common:
    """What most of the files have: the size, the shape of a noise that is given as values, the model.

    `by_size`: compared is what was sampled, not the pixels, which may have been scaled afterwards.
    """

    by_size: bool
    size: tuple[float, ...] | None
    parts: Parts | None
    model: tuple[str, ...]

    def size_of(self, one: Found) -> tuple[float, ...] | None:
        return one.size if self.by_size else one.pixels

    def fits(self, one: Found) -> bool:
        """Whether its noise has a shape that one space can have together with those of most."""
        return one.seeds[0].parts in (None, self.parts)

    def differences(self, one: Found) -> list[str]:
        """In what a file differs from most, in words."""
        reasons = []
        if self.size_of(one) != self.size:
            reasons.append(f"its size is {_times(self.size_of(one))}, that of most is {_times(self.size)}")
        if not self.fits(one):
            reasons.append(f"its noise has shape {_shape(one.seeds[0].parts)}, that of most has {_shape(self.parts)}")
        if one.settings.model and one.settings.model != self.model:
            reasons.append(f"its model is {', '.join(one.settings.model)}, that of most is {', '.join(self.model)}")
        return reasons


def compared(found: Sequence[Found], keep: bool) -> list[Found]:
    """Those that differ from most in size or model left out (or, with `keep`, noted), and other settings noted."""
    made = [one for one in found if one.seeds]
    if not made:
        return list(found)
    common = _common(made)
    reference = next((one for one in made if not common.differences(one)), made[0])
    return [_judged(one, common, reference.settings, keep) if one.seeds else one for one in found]


def _common(made: Sequence[Found]) -> Common:
    by_size = all(one.size is not None for one in made)  # upscaled pictures are compared by what was sampled
    return Common(
        by_size,
        _most(one.size if by_size else one.pixels for one in made),
        _most(parts for one in made if (parts := one.seeds[0].parts) is not None),
        _most(one.settings.model for one in made if one.settings.model) or (),
    )


def _most(values: Iterable):
    """The most frequent one, the first of several; None if there are none."""
    return next((value for value, _ in Counter(values).most_common(1)), None)


def _judged(one: Found, common: Common, reference: Settings, keep: bool) -> Found:
    reasons = common.differences(one)
    if reasons and not (keep and common.fits(one)):
        return replace(one, seeds=(), reason="; ".join(reasons))
    return replace(one, notes=(*one.notes, *reasons, *_remarks(one.settings, reference)))


def _remarks(settings: Settings, reference: Settings) -> list[str]:
    remarks = []
    names = settings.differing(reference) if settings.values and reference.values else []
    if names:
        more = f" and {len(names) - SHOWN_SETTINGS} more" if len(names) > SHOWN_SETTINGS else ""
        shown = ", ".join(name[:40] for name in names[:SHOWN_SETTINGS])
        remarks.append(
            f"rendered with other settings than the first one ({shown}{more}): under one graph its corner is another "
            "picture"
        )
    if settings.stochastic:
        remarks.append(f"{settings.stochastic} adds noise at each step: the corner is similar, not the same")
    return remarks


def _shape(parts: Parts | None) -> str:
    return "any shape" if parts is None else describe(parts)


def _times(size: tuple[float, ...] | None) -> str:
    if size is None:
        return "not known"
    return f"{size[0]:g} s" if len(size) == 1 else "×".join(map(str, size))
