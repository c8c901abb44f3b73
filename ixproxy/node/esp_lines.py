"""
Calls that wait for an external server: one line for each name and each type called.

Every client session in a line has its turn, so that one which asks much does
not keep another waiting. A full line has room for a call of a session that has
fewer in it than another: of that one the youngest makes room.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ixproxy.messages import Request3rdServer
from ixproxy.node.work import Sender


class Address(NamedTuple):
    """Whom a call is for: an application by its `name`, or any of a `type`, as `kind_of` has it."""

    name: str = ""
    type: str = ""

    def __str__(self) -> str:
        return f"AppName {self.name!r}" if self.name else f"AppType {self.type!r}"


def kind_of(type: str) -> str:
    """A type of applications as calls compare it: `E-mail Server` is `EmailServer`."""
    return "".join(letter for letter in type.casefold() if letter.isalnum())


class Call:
    """
    One call to an external server.

    :ivar token: of the request, returned untouched.
    :ivar due: when its time is up, on the clock of `now`.
    :ivar client_refid: the caller's own number of it; 0: not known.
    :ivar request_id: names it for ever.
    :ivar server: who was asked; "": it waits, or waited in vain.
    :ivar reference: its number on the connection to that server.
    :ivar over: its caller has its answer.
    """

    __slots__ = (
        "address",
        "client_refid",
        "due",
        "message",
        "over",
        "reference",
        "request_id",
        "sender",
        "server",
        "token",
    )

    def __init__(
        self,
        token: Any,
        sender: Sender,
        message: Request3rdServer,
        address: Address,
        due: float,
        *,
        client_refid: int = 0,
        request_id: str = "",
    ) -> None:
        self.token = token
        self.sender = sender
        self.message = message
        self.address = address
        self.due = due
        self.client_refid = client_refid
        self.request_id = request_id
        self.server = ""
        self.reference = 0
        self.over = False

    def __repr__(self) -> str:
        return f"<call to {self.address}, due {self.due:g}>"


class Line:
    """Calls that wait for the same address."""

    def __init__(self) -> None:
        self._of: dict[bytes, deque[Call]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Call]:
        for calls in self._of.values():
            yield from calls

    def of(self, session: bytes) -> Sequence[Call]:
        """What one client session has waiting."""
        return self._of.get(session, ())

    def add(self, call: Call) -> None:
        """One more waits."""
        self._of.setdefault(call.sender.session, deque()).append(call)
        self._count += 1

    def next(self) -> Call | None:
        """The first of the session whose turn it is; None: nobody waits."""
        for session, calls in self._of.items():
            call = calls.popleft()
            del self._of[session]
            if calls:
                self._of[session] = calls
            self._count -= 1
            return call
        return None

    def remove(self, call: Call) -> bool:
        """A call waits no more; whether it did."""
        calls = self._of.get(call.sender.session)
        if calls is None or call not in calls:
            return False
        calls.remove(call)
        if not calls:
            del self._of[call.sender.session]
        self._count -= 1
        return True

    def yields(self, session: bytes) -> Call | None:
        """The call that makes room for one of `session`; None: nobody has that many more."""
        longest = max(self._of.values(), key=len, default=None)
        mine = self._of.get(session, ())
        if longest is None or len(longest) <= len(mine) + 1:
            return None
        call = longest[-1]
        self.remove(call)
        return call
