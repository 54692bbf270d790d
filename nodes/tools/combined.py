"""A scorer that is calculated from others."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...surrogate.scores import Expression

__all__ = ["Combined", "medium_of"]


class Combined:
    """What `formula` makes of the scores of `scorers`, by its letters.

    Raises ValueError if some of them judge pictures and others sounds.
    """

    def __init__(self, formula: Expression, scorers: Mapping[str, Callable]):
        self.formula, self.scorers = formula, scorers
        self.medium = medium_of(scorers)

    def __call__(self, *given):
        return self.formula({letter: scorer(*given) for letter, scorer in self.scorers.items()})


def medium_of(scorers: Mapping[str, Callable]) -> str:
    """What all `scorers` judge, "picture" or "sound"; a scorer that does not say judges pictures.

    Raises ValueError, with the names of two, if they differ.
    """
    media = {name: getattr(scorer, "medium", "picture") for name, scorer in scorers.items()}
    if len(set(media.values())) > 1:
        sounds, pictures = (
            next(name for name, one in media.items() if one == wanted) for wanted in ("sound", "picture")
        )
        raise ValueError(f"{sounds} judges sounds and {pictures} pictures: a search makes one or the other.")
    return next(iter(media.values()), "picture")
