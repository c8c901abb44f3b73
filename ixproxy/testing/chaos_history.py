"""
The history of a chaos run: every request of every client, and what it was answered, with times.

It is kept in memory for the checks, and written as JSON lines for a person, a
line for each request when it has its outcome.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

OPEN, DONE = -1, 0
"""Codes of requests without an outcome, and of those that were carried out."""


@dataclass(slots=True)
class Asked:
    """
    One request.

    :ivar about: the interaction or the agent that it names.
    :ivar receipt: of a submit.
    :ivar patience: seconds after which it must have its outcome.
    :ivar code: an error code, or `OPEN`, or `DONE`.
    :ivar result: the ids that the answer names.
    :ivar repeated: it was the first answer once more, by the receipt.
    """

    client: str
    request: str
    asked: float
    patience: float
    about: str = ""
    receipt: str = ""
    answered: float = 0.0
    code: int = OPEN
    in_doubt: bool = False
    description: str = ""
    result: tuple[str, ...] = ()
    repeated: bool = False

    @property
    def late(self) -> bool:
        """Whether it was not answered in its time: then only the client's own clock ended it."""
        return self.code != OPEN and self.answered - self.asked >= self.patience


@dataclass(slots=True)
class History:
    """
    :param file: where it is written to.
    :ivar requests: in the order in which they were asked.
    """

    file: Path
    requests: list[Asked] = field(default_factory=list)
    _written: list[str] = field(default_factory=list)

    def asked(self, asked: Asked) -> Asked:
        """A request is sent."""
        self.requests.append(asked)
        return asked

    def answered(self, asked: Asked, now: float, **outcome: Any) -> None:
        """A request has its outcome: attributes of `Asked`."""
        asked.answered = now
        for name, value in outcome.items():
            setattr(asked, name, value)
        self._written.append(json.dumps(asdict(asked)))
        if len(self._written) >= 500:
            self.flush()

    def flush(self) -> None:
        """Write what has its outcome."""
        with self.file.open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in self._written)
        self._written.clear()

    def without_outcome(self) -> Iterator[Asked]:
        """Those that are on their way."""
        return (each for each in self.requests if each.code == OPEN)

    def codes(self, since: int = 0) -> Counter[int]:
        """
        Errors and how often each came.

        :param since: the place of the first request that counts.
        """
        return Counter(each.code for each in self.requests[since:] if each.code > DONE)
