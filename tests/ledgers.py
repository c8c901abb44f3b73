"""What clients were told by a cluster, held against what lies in its databases."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages.message import Request
from ixproxy.values import InteractionState

NUMBER = "Number"
"""The key of the user data by which a submit is known, whatever was answered."""

Part = tuple[str, bytes, int]
"""Interaction, client session, take number."""


@dataclass(slots=True)
class Ledger:
    """
    What was answered.

    :ivar acknowledged: submit, by number, to the id that it got.
    :ivar doubtful: submits that may have been carried out.
    :ivar refused: submits that were not carried out.
    :ivar stopped: ids whose stop was acknowledged; `stopped_twice`: more than
        once.
    :ivar perhaps_stopped: ids whose stop may have been carried out.
    :ivar vanished: ids that the cluster said it does not know, though it must.
    :ivar outcomes: (request, code; 0: done) to how often; `asked` to how many
        requests there were.
    """

    acknowledged: dict[int, str] = field(default_factory=dict)
    doubtful: set[int] = field(default_factory=set)
    refused: set[int] = field(default_factory=set)
    stopped: set[str] = field(default_factory=set)
    stopped_twice: set[str] = field(default_factory=set)
    perhaps_stopped: set[str] = field(default_factory=set)
    vanished: set[str] = field(default_factory=set)
    outcomes: Counter[tuple[str, int]] = field(default_factory=Counter)
    in_doubt: int = 0
    asked: int = 0

    def was_asked(self, request: Request) -> None:
        """A request is sent."""
        self.asked += 1

    def was_answered(self, request: Request, problem: RequestRefused | None) -> None:
        """A request has its one outcome."""
        self.outcomes[type(request).__name__, problem.code if problem else 0] += 1
        if problem is None:
            return
        self.in_doubt += problem.in_doubt
        identifier = getattr(request, "interaction_id", "")
        if problem.code == Code.UNKNOWN_INTERACTION and identifier not in self.perhaps_stopped:
            self.vanished.add(identifier)

    def was_stopped(self, identifier: str) -> None:
        """A stop is acknowledged."""
        if identifier in self.stopped:
            self.stopped_twice.add(identifier)
        self.stopped.add(identifier)
        self.perhaps_stopped.discard(identifier)

    @property
    def settled(self) -> int:
        """How many requests have their outcome."""
        return sum(self.outcomes.values())

    def codes(self) -> dict[int, int]:
        """Error codes, and how often each came."""
        found: Counter[int] = Counter()
        for (_, code), count in self.outcomes.items():
            found[code] += count
        del found[0]
        return dict(sorted(found.items()))

    def figures(self) -> dict[str, object]:
        """What a person wants to know of it."""
        return {
            "requests, each with one answer": self.settled,
            "errors by code": self.codes(),
            "of them in doubt": self.in_doubt,
            "submits acknowledged": len(self.acknowledged),
            "submits in doubt": len(self.doubtful),
            "stops acknowledged": len(self.stopped),
        }


@dataclass(slots=True)
class Books:
    """
    What lies in all databases.

    :ivar nodes_of: id to the nodes that have it.
    :ivar ids_of: number of a submit to the ids that it got.
    :ivar out: ids that are Routing or Handling.
    :ivar parts: who holds what.
    """

    nodes_of: dict[str, list[str]] = field(default_factory=dict)
    ids_of: dict[int, list[str]] = field(default_factory=dict)
    out: set[str] = field(default_factory=set)
    parts: set[Part] = field(default_factory=set)


def read_books(stores: Mapping[str, Path]) -> Books:
    """Read all databases past their nodes, each as of one moment."""
    books = Books()
    for node, path in stores.items():
        connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=10)
        try:
            connection.execute("BEGIN")
            for identifier, state, user_data in connection.execute(
                "SELECT id, state, user_data FROM interactions"
            ):
                books.nodes_of.setdefault(identifier, []).append(node)
                number = _number(user_data)
                if number is not None:
                    books.ids_of.setdefault(number, []).append(identifier)
                if state in (InteractionState.ROUTING, InteractionState.HANDLING):
                    books.out.add(identifier)
            books.parts.update(
                connection.execute("SELECT interaction_id, session, take_number FROM parties")
            )
        finally:
            connection.close()
    return books


def _number(user_data: bytes) -> int | None:
    decoded: dict[str, Any] = msgspec.msgpack.decode(user_data) if user_data else {}
    return decoded.get(NUMBER)


def wrong_entries(ledger: Ledger, books: Books) -> list[str]:
    """Where the databases are not as they must be, by what was answered."""
    wrong: list[str] = []
    for identifier, nodes in books.nodes_of.items():
        if len(nodes) > 1:
            wrong.append(f"{identifier} is on {nodes}")
        if identifier in ledger.stopped:
            wrong.append(f"{identifier} was stopped, and is there")
    for number, identifiers in books.ids_of.items():
        if len(identifiers) > 1:
            wrong.append(f"submit {number} is there as {identifiers}")
        if number in ledger.refused:
            wrong.append(f"submit {number} was refused, and is there as {identifiers}")
        if number not in ledger.acknowledged and number not in ledger.doubtful:
            wrong.append(f"submit {number} was never acknowledged, and is there")
    gone = ledger.stopped | ledger.perhaps_stopped
    for number, identifier in ledger.acknowledged.items():
        if identifier not in books.nodes_of and identifier not in gone:
            wrong.append(f"{identifier} of submit {number} was acknowledged, and is lost")
        elif identifier in books.nodes_of and books.ids_of.get(number) != [identifier]:
            wrong.append(f"{identifier} is not that of submit {number}: {books.ids_of.get(number)}")
    wrong += [f"{identifier} was stopped twice" for identifier in ledger.stopped_twice]
    wrong += [f"{identifier} was unknown too early" for identifier in ledger.vanished]
    return wrong


def stray_parts(books: Books, held: Iterable[Part]) -> tuple[set[Part], set[Part], set[str]]:
    """
    Where nodes and clients do not agree about who holds what.

    :param held: what each client that lives says it holds.
    :return: parts that only a node knows, parts that only a client knows, and
        ids that are out with nobody.
    """
    claimed = set(held)
    with_somebody = {identifier for identifier, _, _ in books.parts}
    return books.parts - claimed, claimed - books.parts, books.out ^ with_somebody
