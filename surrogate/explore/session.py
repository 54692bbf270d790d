"""What a person did in an Explorer: pages of pictures, what they liked on each, and which page came of it.

A session is a small JSON text of integers, so it can lie in a workflow, in a picture's metadata, or in what a program
sends. Pages are only ever added: going back to an earlier one and on from there makes a branch, and nothing is lost.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from ..checks import choice, whole

__all__ = ["ACTS", "FEWEST", "MOST", "MOST_PAGES", "Page", "Session"]

VERSION = 1
FEWEST, MOST = 1, 16  # pictures on a page
MOST_PAGES = 1000
MOST_TEXT = 1 << 20
# What makes a page: what the person asked for, in a word.
ACTS = {
    "new": "fresh noises",
    "more": "blends of what was liked last, each turned towards a fresh noise",
    "mix": "blends of what was liked, and nothing else",
    "near": "one picture and its neighbours",
    "surprise": "far from what was liked",
    "none": "as `more`, turned farther: nothing on the page was good",
    "finish": "what was liked, with all steps",
}


@dataclass(frozen=True)
class Page:
    """One page.

    act : how it was made, one of `ACTS`
    of : number of the page that it was made of, from 0; -1 for the first
    count : how many pictures it has, 1 to 16; on a page of `finish` as many as were liked
    turn : from 0 (close to what was liked) to 100 (far from it)
    at : of `near`, which picture of page `of`, from 0
    liked : the pictures of page `of` that were liked when this page was made, from 0, in the order of the clicks
    likes : the pictures of this page that are liked now
    """

    act: str = "new"
    of: int = -1
    count: int = 9
    turn: int = 50
    at: int = 0
    liked: tuple[int, ...] = ()
    likes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Session:
    """The pages in the order in which they were made, and the number of the one that is shown, from 0."""

    pages: tuple[Page, ...] = (Page(),)
    shown: int = 0

    @classmethod
    def parse(cls, text: str, count: int = 9) -> Session:
        """The session of a JSON text; of an empty one a first page of `count` pictures.

        Raises ValueError that names what is wrong with the text.
        """
        if not text.strip():
            return cls((Page(count=whole("pictures", count, FEWEST, MOST)),))
        if len(text) > MOST_TEXT:
            raise ValueError(f"session is a text of {len(text)} characters; the longest that is read has {MOST_TEXT}.")
        try:
            read = json.loads(text)
        except (ValueError, RecursionError):
            raise ValueError(f"session is not JSON: {text[:80]!r}. Clear it to begin a new session.") from None
        if not isinstance(read, dict) or not isinstance(read.get("pages"), list) or not read["pages"]:
            raise ValueError('session must be JSON of the form {"v": 1, "page": 0, "pages": [{"n": 9, "likes": [2]}]}.')
        if read.get("v", VERSION) != VERSION:
            raise ValueError(f"session is of version {read['v']!r}; this version of the pack reads {VERSION}.")
        if len(read["pages"]) > MOST_PAGES:
            raise ValueError(f"session has {len(read['pages'])} pages; at most {MOST_PAGES} can be read.")
        pages: list[Page] = []
        led: list[list] = []
        for entry in read["pages"]:
            page = _page(entry, pages, led)
            led.append(_led_to(page, pages, led))
            pages.append(page)
        shown = read.get("page", len(pages) - 1)
        return cls(tuple(pages), whole("session's page", shown, 0, len(pages) - 1))

    def text(self) -> str:
        """The session as JSON: `Session.parse(text)` is this session again."""
        pages = [_entry(page, self.pages) for page in self.pages]
        return json.dumps({"v": VERSION, "page": self.shown, "pages": pages}, separators=(",", ":"))

    def like(self, *cells: int) -> Session:
        """The session in which `cells` of the page that is shown are liked, and no others."""
        page = replace(self.pages[self.shown], likes=tuple(cells))
        return Session((*self.pages[: self.shown], page, *self.pages[self.shown + 1 :]), self.shown)

    def then(self, act: str, count: int = 9, turn: int = 50, at: int = 0) -> Session:
        """The session with another page made of the one that is shown; the new page is shown.

        Raises ValueError if what was liked is to be finished, and nothing was.
        """
        liked = self.liked()
        if act == "finish" and not liked:
            raise ValueError(
                "Nothing was liked on this page or on those that led to it, so there is nothing to finish: like a picture first."
            )
        many = len(liked) if act == "finish" else count
        page = Page(act, self.shown, many, turn, at, self.pages[self.shown].likes)
        return Session((*self.pages, page), len(self.pages))

    def chain(self, number: int) -> list[int]:
        """The numbers of the pages that led to page `number`, the first one first, it itself last."""
        numbers = []
        while number >= 0:
            numbers.append(number)
            number = self.pages[number].of
        return numbers[::-1]

    def led_to(self, number: int) -> list[tuple[int, int]]:
        """(page, picture) of all that was liked on the way to page `number` when the pages were made, the latest last.

        It never changes afterwards, whatever is liked on these pages later. A picture that a page took over from an
        earlier one counts once, under the page that showed it first.
        """
        return self._led[number]

    def liked(self, number: int | None = None) -> list[tuple[int, int]]:
        """The same with what is liked on page `number` itself now (default: the page that is shown)."""
        number = self.shown if number is None else number
        here = [_origin(number, cell, self.pages, self._led) for cell in self.pages[number].likes]
        return _distinct([*self._led[number], *here])

    def scores(self, number: int) -> tuple[float, ...] | None:
        """What the likes of page `number` say of its pictures; None while nothing is liked and no other page was asked for.

        Of a liked picture, the number of pages on the way to it of which something was liked, with its own; of the rest 0.
        Liked is what is liked now, and what a later page was made of.
        """
        later = [page for page in self.pages if page.of == number]
        liked = {cell for cells in (self.pages[number].likes, *(page.liked for page in later)) for cell in cells}
        if not liked and all(page.act == "finish" for page in later):
            return None
        level = 1.0 + len({page for page, _ in self.led_to(number)})
        return tuple(level if cell in liked else 0.0 for cell in range(self.pages[number].count))

    def origin(self, number: int, cell: int) -> tuple[int, int]:
        """(page, picture) where picture `cell` of page `number` was first shown."""
        return _origin(number, cell, self.pages, self._led)

    @cached_property
    def _led(self) -> list[list[tuple[int, int]]]:
        led: list[list[tuple[int, int]]] = []
        for page in self.pages:
            led.append(_led_to(page, self.pages, led))
        return led


def _led_to(page: Page, pages, led: list[list]) -> list[tuple[int, int]]:
    """What was liked on the way to `page`; `led` says it of the pages before."""
    if page.of < 0:
        return []
    return _distinct([*led[page.of], *(_origin(page.of, cell, pages, led) for cell in page.liked)])


def _origin(number: int, cell: int, pages, led: list[list]) -> tuple[int, int]:
    """(page, picture) where picture `cell` of page `number` was first shown: some pages begin with one that is known."""
    page = pages[number]
    if page.act == "finish":
        return led[number][cell]
    if cell == 0 and page.act == "near":
        return _origin(page.of, page.at, pages, led)
    if cell == 0 and page.act == "more" and page.count > 1 and led[number]:
        return led[number][-1]
    return number, cell


def _distinct(pictures: list) -> list:
    """Of equal ones the last stays."""
    return list(dict.fromkeys(pictures[::-1]))[::-1]


def _page(entry, before: list[Page], led: list[list]) -> Page:
    """The page of a session's JSON that follows the pages `before`, and what was liked on the way to each of them."""
    where = f"page {len(before)} of the session"
    if not isinstance(entry, Mapping):
        raise ValueError(f'{where} is {str(entry)[:80]!r}, expected an object such as {{"n": 9}}.')
    act = choice(f"do on {where}", entry.get("do", "new"), ACTS)
    of = whole(f"of on {where}", entry.get("of", len(before) - 1), -1, len(before) - 1)
    if of < 0 and act != "new":
        raise ValueError(f"{where} says do: {act!r}, which needs a page before it: write of, the number of that page.")
    # Who writes a session by hand means what is liked on the page before.
    liked = _cells(f"liked on {where}", entry.get("liked"), before[of].count, before[of].likes) if of >= 0 else ()
    if act == "finish":
        count = len(_led_to(Page(act, of, liked=liked), before, led))
        if not count:
            raise ValueError(f"{where} is to finish what was liked, but nothing was liked before it.")
    else:
        count = whole(f"n on {where}", entry.get("n", 9), FEWEST, MOST)
    turn = whole(f"turn on {where}", entry.get("turn", 50), 0, 100)
    at = whole(f"at on {where}", entry.get("at", 0), 0, before[of].count - 1 if of >= 0 else 0)
    return Page(act, of, count, turn, at, liked, _cells(f"likes on {where}", entry.get("likes"), count, ()))


def _cells(name: str, given, count: int, usual: tuple[int, ...]) -> tuple[int, ...]:
    """Numbers of pictures on a page of `count`; `usual` if none are given."""
    if given is None:
        return usual
    if not isinstance(given, list):
        raise ValueError(f"{name} must be a list of numbers such as [0, 4], got {str(given)[:80]!r}.")
    return tuple(dict.fromkeys(whole(name, cell, 0, count - 1) for cell in given))


def _entry(page: Page, pages) -> dict:
    entry: dict = {"do": page.act, "of": page.of, "n": page.count, "turn": page.turn, "at": page.at}
    usual = {"do": "new", "turn": 50, "at": 0}
    entry = {name: value for name, value in entry.items() if usual.get(name) != value}
    if page.of >= 0 and page.liked != pages[page.of].likes:
        entry["liked"] = list(page.liked)
    return entry | ({"likes": list(page.likes)} if page.likes else {})
