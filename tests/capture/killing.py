"""Kills a capture point at random, again and again, and looks at what became of its documents."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

from pytest_twisted import blockon
from twisted.internet.task import deferLater

CHILD = Path(__file__).with_name("durable_child.py")
PATIENCE = 240.0


class Killed:
    """
    A capture point that lives for a while, is killed, and starts again.

    :ivar kills: how often it was.
    """

    def __init__(
        self, reactor: Any, kind: str, settings: dict[str, object], file: Path, seed: int
    ) -> None:
        self.reactor = reactor
        self.file = file
        self.kills = 0
        self.random = Random(seed)
        self._command = [
            sys.executable, "-m", "ixproxy.testing.child", str(CHILD),
            kind, json.dumps(settings), str(file),
        ]  # fmt: skip

    @contextmanager
    def alive(self) -> Iterator[None]:
        """It runs inside, and is killed at the end."""
        process = subprocess.Popen(self._command, stdin=subprocess.PIPE, start_new_session=True)
        try:
            yield
            assert process.poll() is None, "it ended by itself"
        finally:
            process.kill()
            process.communicate()

    def until_taken(self, enough: int, at_once: int, meanwhile: Callable[[], object]) -> None:
        """
        Let it live and kill it, until so many documents are taken.

        :param at_once: the most that it takes in one life, or a little more.
        :param meanwhile: something else to be done in each of its lives.
        """
        while self.count() < enough:
            self._live(enough, self.random.randint(1, at_once), meanwhile)
            self.kills += 1

    def _live(self, enough: int, more: int, meanwhile: Callable[[], object]) -> None:
        before = self.count()
        with self.alive():
            self.wait(lambda: self.count() > before)
            meanwhile()
            self.wait(lambda: self.count() >= min(before + more, enough))

    def wait(self, happened: Callable[[], object]) -> None:
        """Let time pass until something has happened."""
        end = monotonic() + PATIENCE
        while not happened():
            assert monotonic() < end, "it did not happen in time"
            self.later(0.02)

    def live_until(self, done: Callable[[], bool]) -> None:
        """Let it live until all is done."""
        with self.alive():
            self.wait(done)

    def later(self, seconds: float) -> None:
        """Let time pass."""
        blockon(deferLater(self.reactor, seconds))

    def taken(self) -> Counter[str]:
        """How often each document became an interaction, by external id."""
        return Counter(name for (name,) in self._select("SELECT external_id FROM interactions"))

    def count(self) -> int:
        """How many documents became interactions."""
        found = self._select("SELECT count(*) FROM interactions")
        return int(found[0][0]) if found else 0

    def repeated(self) -> int:
        """How many documents were handed in once more."""
        found = self._select("SELECT count(*) FROM handed_in WHERE repeated")
        return int(found[0][0])

    def _select(self, sql: str) -> list[tuple[Any, ...]]:
        if not self.file.exists():
            return []
        with closing(sqlite3.connect(self.file)) as database:
            there = database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'handed_in'")
            return database.execute(sql).fetchall() if there.fetchone()[0] else []
