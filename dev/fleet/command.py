"""python run.py workers: search on several servers, and show how far they are."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from .fleet import PAUSE, Fleet
from .table import Table

__all__ = ["workers"]

FAILED, INTERRUPTED = 1, 130


def workers(arguments: list[str]) -> int:
    """Search until the budget is spent; the exit status."""
    given = _parser().parse_args(arguments)
    if not given.urls and given.servers is None:
        print("run.py workers: no server: give addresses, or --servers with a file of them.", file=sys.stderr)
        return 2
    try:
        fleet = Fleet(json.loads(given.workflow.read_text("utf-8")), given.queue)
        fleet.use(_servers(given.urls, given.servers))
    except ValueError as error:
        reason = f"{given.workflow} is no JSON ({error})." if isinstance(error, json.JSONDecodeError) else error
        print(f"run.py workers: {reason}", file=sys.stderr)
        return 2
    table = Table()
    try:
        status = _search(fleet, lambda: _servers(given.urls, given.servers), table)
    except KeyboardInterrupt:
        status = _stop(fleet, table)
    fleet.drain()
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="run.py workers",
        description="Searches with several ComfyUI servers at once: each is given the workflow again and again, until the "
        "budget of its study is spent. The servers need this pack, and in the workflow the database of Surrogate Study "
        "must be one that all of them reach.",
        epilog="Ctrl-C stops after the running images; the same command continues from there.",
    )
    parser.add_argument("urls", nargs="*", metavar="URL", help="a server, such as http://192.168.1.20:8188")
    parser.add_argument(
        "--workflow", required=True, type=Path, metavar="FILE", help="the workflow: in ComfyUI, Workflow > Export (API)"
    )
    parser.add_argument(
        "--servers",
        type=Path,
        metavar="FILE",
        help="a text file with one address a line; it may change while this runs",
    )
    parser.add_argument(
        "--queue", type=int, choices=(1, 2), default=2, help="prompts in the queue of each server (2: none ever waits)"
    )
    return parser


def _servers(urls: list[str], file: Path | None) -> list[str]:
    """The addresses that were given, and those in the file. Raises OSError if it cannot be read."""
    if file is None:
        return urls
    lines = (line.split("#")[0].strip() for line in file.read_text("utf-8").splitlines())
    return [*urls, *filter(None, lines)]


def _search(fleet: Fleet, servers: Callable[[], list[str]], table: Table) -> int:
    while not fleet.finished:
        table.show(fleet)
        if fleet.hopeless:
            table.show(fleet, always=True)
            print("Every server fails, for the reasons above: stopped.", file=sys.stderr)
            return FAILED
        time.sleep(PAUSE)
        try:
            fleet.use(servers())
        except (OSError, ValueError) as error:  # the file is being written at this moment, or has a mistake in it
            print(f"--servers: {error} The servers stay as they are.", file=sys.stderr)
            time.sleep(PAUSE)
    # Each has seen the end before the numbers are shown a last time.
    time.sleep(2 * PAUSE)
    table.show(fleet, always=True)
    where = fleet.conclude()
    if where:
        print(f"The budget is spent. What follows the search in the workflow runs now on {where}.")
    else:
        print("The budget is spent.")
    return 0


def _stop(fleet: Fleet, table: Table) -> int:
    """After the running images; Ctrl-C again does not wait for them."""
    print("\nStopping after the running images; press Ctrl-C again to interrupt them. What was scored is kept.")
    table.height = 0
    fleet.drain()
    try:
        while not fleet.ended:
            table.show(fleet)
            time.sleep(PAUSE)
    except KeyboardInterrupt:
        fleet.interrupt()
    print("Stopped; the same command continues from here.")
    return INTERRUPTED
