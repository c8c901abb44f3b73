"""The kernel says which files have finished; these tests run on the real reactor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import inotify
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from ixproxy.capture.file_watching import Watcher


class Watching:
    """A watcher of a directory, and what it says."""

    def __init__(self, reactor: Any, directory: Path) -> None:
        self.said: list[str] = []
        self._waiting: list[tuple[str, Deferred[None]]] = []
        self.watcher = Watcher(self._finished)
        assert self.watcher.start(reactor, str(directory))

    def _finished(self, name: str) -> None:
        self.said.append(name)
        for each in [each for each in self._waiting if each[0] == name]:
            self._waiting.remove(each)
            each[1].callback(None)

    def until(self, name: str) -> Deferred[None]:
        waiting: Deferred[None] = Deferred()
        self._waiting.append((name, waiting))
        return waiting


@ensureDeferred
async def test_files_that_are_closed_or_moved_in_are_named(
    tmp_path: Path, real_reactor: Any
) -> None:
    watching = Watching(real_reactor, tmp_path)
    (tmp_path / "directory").mkdir()
    with (tmp_path / "open").open("wb") as file:
        file.write(b"half")
        file.flush()
        (tmp_path / "a").write_bytes(b"whole")
        (tmp_path / "a").rename(tmp_path / "b")
        await watching.until("b")
        assert watching.said == ["a", "b"]
    await watching.until("open")
    assert watching.watcher.start(real_reactor, str(tmp_path)), "it is on already"
    await watching.watcher.stop()
    assert not watching.watcher.is_watching
    await watching.watcher.stop()


@ensureDeferred
async def test_it_is_over_when_the_directory_is_gone_and_can_begin_anew(
    tmp_path: Path, real_reactor: Any
) -> None:
    directory = tmp_path / "in"
    for end in ("rename", "rmdir"):
        directory.mkdir()
        watching = Watching(real_reactor, directory)
        over: Deferred[None] = Deferred()
        watching.watcher._waiting.append(over)
        if end == "rename":
            directory.rename(tmp_path / "away")
        else:
            directory.rmdir()
        await over
        assert not watching.watcher.is_watching
    directory.mkdir()
    assert watching.watcher.start(real_reactor, str(directory))
    (directory / "a").write_bytes(b"")
    await watching.until("a")
    await watching.watcher.stop()


@ensureDeferred
async def test_what_cannot_be_watched_is_not(tmp_path: Path, real_reactor: Any) -> None:
    watcher = Watcher(lambda _: None)
    assert not watcher.start(real_reactor, str(tmp_path / "no"))
    await watcher.stop()
    (tmp_path / "file").touch()
    assert not watcher.start(real_reactor, str(tmp_path / "file"))
    await watcher.stop()


def test_a_reactor_without_descriptors_watches_nothing(tmp_path: Path) -> None:
    watcher = Watcher(lambda _: None)
    assert not watcher.start(Clock(), str(tmp_path))
    assert not watcher.is_watching


def test_a_kernel_that_has_no_watch_left_is_no_error(
    tmp_path: Path, real_reactor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(*_: object) -> None:
        raise inotify.INotifyError("Too many open files")

    monkeypatch.setattr(inotify.INotify, "__init__", none_left)
    assert not Watcher(lambda _: None).start(real_reactor, str(tmp_path))
