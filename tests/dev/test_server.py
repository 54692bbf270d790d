"""Links to packs, and that no server outlives who started it."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys

import pytest

from dev.server import link_folder

from .made import (
    ROOT,
    posix,
    until,
)


def test_links_are_renewed_but_a_real_folder_is_never_removed(tmp_path):
    old, new, link = tmp_path / "old", tmp_path / "new", tmp_path / "link"
    for folder in (old, new):
        folder.mkdir()
        (folder / "name").write_text(folder.name, "utf-8")
    link_folder(old, link)
    link_folder(old, link)
    assert (link / "name").read_text("utf-8") == "old"
    link_folder(new, link)
    assert (link / "name").read_text("utf-8") == "new"
    assert (old / "name").exists()
    with pytest.raises(OSError):
        link_folder(new, old)
    assert (old / "name").exists()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@posix
def test_a_server_whose_parent_was_killed_ends_too(tmp_path):
    code = (
        f"import sys, time; sys.path.append({str(ROOT)!r})\n"
        "from dev.server import Server\n"
        "with Server('orphan', arguments=['--cpu']) as server:\n"
        "    print(server.url, server.base, flush=True)\n"
        "    time.sleep(600)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        url, base = process.stdout.readline().split(maxsplit=1)
        port = int(url.rsplit(":", 1)[1])
        assert listens(port)
    finally:
        process.kill()
        process.communicate()
    until(lambda: not listens(port), 10, "the orphaned server to end")
    shutil.rmtree(base.strip())
