"""Keeps the queue of one server filled while there is something to search, in a thread of its own."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from .graph import Prompt
from .remote import Refused, Remote, Unreachable

__all__ = ["Standing", "Worker"]

# Seconds between two looks at a server; after one that failed or had nothing to do, twice as many up to LONGEST.
LOOK, LONGEST = 0.5, 30.0
# Failures one after the other, without an image between them, after which a server is not expected to be of use.
HOPELESS = 3


@dataclass(frozen=True)
class Standing:
    """How a server stands: what it does, and since the search began its images, seconds, and prompts that failed."""

    state: str = "connecting"
    images: int = 0
    seconds: float = 0.0
    failures: int = 0
    said: str = ""

    @property
    def an_hour(self) -> float:
        return 3600 * self.images / self.seconds if self.seconds > 0 else 0.0


@dataclass(eq=False)
class Worker:
    """Posts `prompt` to the server at `url`, `depth` times in its queue, until it is told to `drain`."""

    url: str
    prompt: Prompt
    studies: list[str]
    depth: int
    standing: Standing = Standing()
    progress: dict[str, dict] = field(default_factory=dict)  # what the server says of each study
    in_a_row: int = 0  # failures since the last image
    _draining: threading.Event = field(default_factory=threading.Event)
    _posted: set[str] = field(default_factory=set)
    _here: dict[str, int] = field(default_factory=dict)
    _images: int = 0
    _credited: int = 0  # images when a prompt ended last
    _failures: int = 0
    _said: str = ""
    _began: float = 0.0
    _pause: float = LOOK
    _not_before: float = 0.0

    def __post_init__(self) -> None:
        self.remote = Remote(self.url)
        self._thread = threading.Thread(target=self._run, daemon=True, name=f"surrogate {self.url}")
        self._began = time.monotonic()
        self._thread.start()

    def drain(self) -> None:
        """Nothing more is posted, what waits in the queue is taken out; the worker ends with what runs."""
        self._draining.set()

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()

    def interrupt(self) -> None:
        """Stop what runs, too."""
        try:
            for prompt_id in self.remote.queued(self.prompt)[0]:
                self.remote.interrupt(prompt_id)
        except Unreachable:
            pass

    @property
    def finished(self) -> bool:
        """Whether the server knows all studies, and their budgets are spent and every image came back."""
        return bool(self.progress) and all(self.progress.get(name, {}).get("finished") for name in self.studies)

    @property
    def hopeless(self) -> bool:
        """Whether it fails all the time."""
        return self.in_a_row >= HOPELESS

    def _run(self) -> None:
        while True:
            try:
                state, done = self._look()
            except Unreachable as error:
                # It may be starting again: then it knows nothing of what was posted.
                state, done = f"does not answer ({error})", self._draining.is_set()
                self._posted.clear()
            except Refused as error:
                self._failed(str(error))
                state, done = "refuses", self._draining.is_set()
                self._draining.wait(self._pause)
            seconds = time.monotonic() - self._began
            self.standing = Standing("stopped" if done else state, self._images, seconds, self._failures, self._said)
            if done:
                return
            time.sleep(LOOK)

    def _look(self) -> tuple[str, bool]:
        """One look at the server, and what follows from it: its state, and whether this worker has ended."""
        running, pending = self.remote.queued(self.prompt)
        self._count()
        for prompt_id in self._posted - {*running, *pending}:
            self._posted.discard(prompt_id)
            self._take(prompt_id)
        if self._draining.is_set():
            mine = [prompt_id for prompt_id in pending if prompt_id in self._posted]
            if mine:
                self.remote.drop(mine)
            running = [prompt_id for prompt_id in running if prompt_id in self._posted]
            return "stops after the running images", not running and not mine
        count = len(running) + len(pending)
        if count < self.depth and time.monotonic() >= self._not_before and not self.finished:
            self._posted.add(self.remote.queue(self.prompt))
            count += 1
        return ("renders" if count else "waits"), False

    def _count(self) -> None:
        """Ask how far the studies are, and how many images this server has told since the last time."""
        for name in self.studies:
            found = self.remote.study(name)
            if found is None:
                continue
            now, before = int(found.get("here", 0)), self._here.get(name)
            # What it told before this search is not counted; a server that was started again counts from 0.
            new = (now - before if now >= before else now) if before is not None else now if self._posted else 0
            if new:
                self._images += new
                self.in_a_row = 0
            self._here[name] = now
            self.progress[name] = found

    def _take(self, prompt_id: str) -> None:
        """A prompt has ended: well, with nothing to do, or with an error."""
        entry = self.remote.ended(prompt_id)
        if entry is None:  # the server was started again, or somebody took it out of the queue
            return
        if entry.get("status", {}).get("status_str") == "error":
            self._failed(_message(entry))
        elif self._images > self._credited:
            self._pause, self._not_before = LOOK, 0.0
        else:
            self._wait()
        self._credited = self._images

    def _failed(self, why: str) -> None:
        self._failures += 1
        self.in_a_row += 1
        self._said = why
        self._wait()

    def _wait(self) -> None:
        self._pause = min(LONGEST, 2 * self._pause)
        self._not_before = time.monotonic() + self._pause


def _message(entry: dict) -> str:
    """What went wrong in a prompt, as the server's history says it."""
    for kind, data in entry.get("status", {}).get("messages", []):
        if kind == "execution_error":
            what = str(data.get("exception_message", "")).strip() or data.get("exception_type", "an error")
            return f"node {data.get('node_id')} ({data.get('node_type')}): {what}"
        if kind == "execution_interrupted":
            return "Cancel was pressed there"
    return "an error"
