"""All servers that search together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from .graph import check, for_one_round, studies_of
from .remote import Refused, Remote, Unreachable, checked_url
from .worker import Worker

__all__ = ["Fleet", "search_on"]

PAUSE = 0.25


class Fleet:
    """Servers that run `workflow`, in the API's format, until the budget of its studies is spent.

    `depth`: how many times the workflow is in the queue of each server; with 2, none waits for this program.

    Raises NotAWorkflow for what is no such workflow.
    """

    def __init__(self, workflow: dict, depth: int = 2):
        self.workflow = check(workflow)
        self.studies = studies_of(self.workflow)
        self.round = for_one_round(self.workflow)
        self.depth = depth
        self.workers: dict[str, Worker] = {}
        self.leaving: list[Worker] = []

    def use(self, urls: Iterable[str]) -> None:
        """From now on search on these servers: new ones begin, those that are not named end after what they render.

        Raises ValueError for what is no address.
        """
        wanted = dict.fromkeys(map(checked_url, urls))
        for url in self.workers.keys() - wanted.keys():
            worker = self.workers.pop(url)
            worker.drain()
            self.leaving.append(worker)
        for url in wanted:
            if url not in self.workers:
                self.workers[url] = Worker(url, self.round, self.studies, self.depth)

    @property
    def progress(self) -> dict[str, dict]:
        """How far each study is, as the server says that has most of it."""
        found: dict[str, dict] = {}
        for worker in [*self.workers.values(), *self.leaving]:
            for name, entry in list(worker.progress.items()):
                if entry["evaluated"] >= found.get(name, entry)["evaluated"]:
                    found[name] = entry
        return found

    @property
    def finished(self) -> bool:
        """Whether the budget of all studies is spent."""
        progress = self.progress
        return all(progress.get(name, {}).get("finished") for name in self.studies)

    @property
    def hopeless(self) -> bool:
        """Whether every server fails all the time."""
        return bool(self.workers) and all(worker.hopeless for worker in self.workers.values())

    @property
    def ended(self) -> bool:
        return all(worker.ended for worker in [*self.workers.values(), *self.leaving])

    def drain(self) -> None:
        """Nothing more is posted."""
        for worker in self.workers.values():
            worker.drain()

    def interrupt(self) -> None:
        """Stop what runs."""
        for worker in self.workers.values():
            worker.interrupt()

    def conclude(self) -> str:
        """Queue the whole workflow once, for what comes after the search, on a server that answers; its address.

        "" if nothing comes after the search, or no server answers.
        """
        if self.workflow == self.round:
            return ""
        for url, worker in self.workers.items():
            if worker.finished:
                try:
                    Remote(url).queue(self.workflow)
                    return url
                except (Unreachable, Refused):
                    continue
        return ""


def search_on(
    urls: Iterable[str], workflow: dict, *, depth: int = 2, on_change: Callable[[Fleet], None] | None = None
) -> Fleet:
    """Search on several servers until the budget is spent; `on_change` is called a few times a second.

    `urls`: addresses such as "http://127.0.0.1:8188". `workflow`: in the API's format; the studies in it must be in a
    database that all servers reach. Returns how it ended. Raises ValueError for what is no address or no workflow,
    RuntimeError if every server fails: the message has the reasons.
    """
    fleet = Fleet(workflow, depth)
    fleet.use(urls)
    try:
        while not fleet.finished:
            if fleet.hopeless:
                reasons = [f"{url}: {worker.standing.said}" for url, worker in fleet.workers.items()]
                raise RuntimeError("Every server fails.\n" + "\n".join(reasons))
            if on_change is not None:
                on_change(fleet)
            time.sleep(PAUSE)
        fleet.conclude()
    finally:
        fleet.drain()
    return fleet
