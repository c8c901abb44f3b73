"""
A capture point in a process of its own, which may be killed at any time.

    python -m ixproxy.testing.child durable_child.py KIND SETTINGS FILE      SETTINGS: JSON

What is handed in goes into the SQLite database FILE as a node does it: operations
and receipt in one transaction, answered after the commit.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react
from zope.interface import implementer

from ixproxy.interfaces_capture import IIntake
from ixproxy.node.intake_work import Document, Result, Taken

TABLES = """
CREATE TABLE IF NOT EXISTS interactions (id INTEGER PRIMARY KEY, external_id TEXT);
CREATE TABLE IF NOT EXISTS receipts (receipt TEXT PRIMARY KEY, id INTEGER);
CREATE TABLE IF NOT EXISTS handed_in (at INTEGER PRIMARY KEY, external_id TEXT, repeated INTEGER);
"""


@implementer(IIntake)
class DurableIntake:
    """An intake whose documents survive; a reactor turn's are one transaction."""

    name = "in"
    node = "ixn1"

    def __init__(self, reactor: Any, file: str, most: int = 50) -> None:
        self.reactor = reactor
        self._most = most
        self._database = sqlite3.connect(file, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.executescript(TABLES)
        self._waiting: list[tuple[Document, Deferred[Taken]]] = []
        self._told: list[Callable[[], object]] = []

    def take(self, document: Document) -> Deferred[Taken]:
        answer: Deferred[Taken] = Deferred()
        if not self._waiting:
            self.reactor.callLater(0, self._write)
        self._waiting.append((document, answer))
        return answer

    def room(self) -> bool:
        return len(self._waiting) < self._most

    def when_room(self, told: Callable[[], object]) -> None:
        if self.room():
            told()
        else:
            self._told.append(told)

    def refused(self, why: str, name: str = "") -> None:
        pass

    def partly_refused(self, why: str, name: str = "") -> None:
        pass

    def _write(self) -> None:
        batch, self._waiting = self._waiting, []
        self._database.execute("BEGIN IMMEDIATE")
        taken = [self._store(document) for document, _ in batch]
        self._database.execute("COMMIT")
        for (_, answer), each in zip(batch, taken, strict=True):
            answer.callback(each)
        waiting, self._told = self._told, []
        for told in waiting:
            told()

    def _store(self, document: Document) -> Taken:
        known = self._database.execute(
            "SELECT id FROM receipts WHERE receipt = ?", (document.receipt,)
        ).fetchone()
        if document.problem is not None:
            return Taken(repeated=True) if known else Taken(problem=document.problem)
        (operation,) = document.operations
        if known is None:
            id = self._database.execute(
                "INSERT INTO interactions (external_id) VALUES (?)", (operation.external_id,)
            ).lastrowid
            self._database.execute(
                "INSERT INTO receipts (receipt, id) VALUES (?, ?)", (document.receipt, id)
            )
        else:
            (id,) = known
        self._database.execute(
            "INSERT INTO handed_in (external_id, repeated) VALUES (?, ?)",
            (operation.external_id, known is not None),
        )
        result = Result(
            verb=operation.verb, interaction_id=f"I{id}", external_id=operation.external_id
        )
        return Taken(results=(result,), repeated=known is not None)


def main(reactor: Any) -> Deferred[None]:
    """Serve until the process is killed."""
    kind, settings, file = sys.argv[1:4]
    point = import_module(f"ixproxy.capture.{kind}").make(json.loads(settings))
    point.begin(DurableIntake(reactor, file))
    return Deferred()


if __name__ == "__main__":
    react(main)
