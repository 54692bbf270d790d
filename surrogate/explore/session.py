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
    at : of `near`, which picture of the page before, from 0
    likes : the pictures that are liked, from 0, in the order of the clicks
    """

    act: str = "new"
    of: int = -1
    count: int = 9
    turn: int = 50
    at: int = 0
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
        liked: list[list] = []
        for entry in read["pages"]:
            page = _page(entry, pages, liked)
            _add_liked(liked, pages, page)
            pages.append(page)
        shown = read.get("page", len(pages) - 1)
        return cls(tuple(pages), whole("session's page", shown, 0, len(pages) - 1))

    def text(self) -> str:
        """The session as JSON: `Session.parse(text)` is this session again."""
        pages = [_entry(page) for page in self.pages]
        return json.dumps({"v": VERSION, "page": self.shown, "pages": pages}, separators=(",", ":"))

    def like(self, *cells: int) -> Session:
        """The session in which `cells` of the page that is shown are liked, and no others."""
        page = replace(self.pages[self.shown], likes=tuple(cells))
        return Session((*self.pages[: self.shown], page, *self.pages[self.shown + 1 :]), self.shown)

    def then(self, act: str, count: int = 9, turn: int = 50, at: int = 0) -> Session:
        """The session with another page made of the one that is shown; the new page is shown."""
        page = Page(act, self.shown, len(self.liked()) if act == "finish" else count, turn, at)
        return Session((*self.pages, page), len(self.pages))

    def chain(self, number: int) -> list[int]:
        """The numbers of the pages that led to page `number`, the first one first, it itself last."""
        numbers = []
        while number >= 0:
            numbers.append(number)
            number = self.pages[number].of
        return numbers[::-1]

    def liked(self, number: int | None = None) -> list[tuple[int, int]]:
        """(page, picture) of all that was liked on the way to page `number` (default: the one shown), the latest last.

        A picture that a page took over from an earlier one counts once, under the page that showed it first.
        """
        return self._liked[self.shown if number is None else number]

    @cached_property
    def _liked(self) -> list[list[tuple[int, int]]]:
        liked: list[list[tuple[int, int]]] = []
        for number, page in enumerate(self.pages):
            _add_liked(liked, self.pages[:number], page)
        return liked


def _add_liked(liked: list[list], pages, page: Page) -> None:
    """Append to `liked`, one list for each of the earlier `pages`, what was liked up to `page`, which follows them."""
    before = liked[page.of] if page.of >= 0 else []
    found = [*before, *(_origin(liked, pages, page, cell) for cell in page.likes)]
    liked.append(list(dict.fromkeys(found[::-1]))[::-1])


def _origin(liked: list[list], pages, page: Page, cell: int) -> tuple[int, int]:
    """(page, picture) where picture `cell` of `page` was first shown: some pages begin with one that is known."""
    if page.act == "finish":
        return liked[page.of][cell]
    if cell == 0 and page.act == "near":
        return _origin(liked[: page.of], pages[: page.of], pages[page.of], page.at)
    if cell == 0 and page.act == "more" and page.count > 1 and liked[page.of]:
        return liked[page.of][-1]
    return len(liked), cell


def _page(entry, before: list[Page], liked: list[list]) -> Page:
    """The page of a session's JSON that follows the pages `before`, with what was `liked` up to each of them."""
    where = f"page {len(before)} of the session"
    if not isinstance(entry, Mapping):
        raise ValueError(f'{where} is {str(entry)[:80]!r}, expected an object such as {{"n": 9}}.')
    act = choice(f"do on {where}", entry.get("do", "new"), ACTS)
    of = whole(f"of on {where}", entry.get("of", len(before) - 1), -1, len(before) - 1)
    if of < 0 and act != "new":
        raise ValueError(f"{where} says do: {act!r}, which needs a page before it: write of, the number of that page.")
    if act == "finish":
        count = len(liked[of])
        if not count:
            raise ValueError(f"{where} is to finish what was liked, but nothing was liked before it.")
    else:
        count = whole(f"n on {where}", entry.get("n", 9), FEWEST, MOST)
    turn = whole(f"turn on {where}", entry.get("turn", 50), 0, 100)
    at = whole(f"at on {where}", entry.get("at", 0), 0, before[of].count - 1 if of >= 0 else 0)
    likes = entry.get("likes", [])
    if not isinstance(likes, list):
        raise ValueError(f"likes on {where} must be a list of numbers such as [0, 4], got {str(likes)[:80]!r}.")
    cells = [whole(f"likes on {where}", cell, 0, count - 1) for cell in likes]
    return Page(act, of, count, turn, at, tuple(dict.fromkeys(cells)))


def _entry(page: Page) -> dict:
    entry: dict = {"do": page.act, "of": page.of, "n": page.count, "turn": page.turn, "at": page.at}
    usual = {"do": "new", "turn": 50, "at": 0}
    entry = {name: value for name, value in entry.items() if usual.get(name) != value}
    return entry | ({"likes": list(page.likes)} if page.likes else {})
