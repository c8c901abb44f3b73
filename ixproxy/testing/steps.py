"""
What the steps of a script may be, and who takes them.

A script is rounds of actions, which its clients begin together. Where an
action asks something, it names interactions by labels, never by ids, and
invitations not by their tickets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ixproxy.messages.message import Request
from ixproxy.values import ClientType

TENANT = 1
LABEL = "@"
"""An id that begins with this names an interaction by its label."""

THE_TICKET = 1 << 62
"""In an answer to an invitation: the ticket that came with it."""

NO_TICKET = 1 << 61
"""A ticket that no invitation has."""


@dataclass(frozen=True, slots=True)
class ScriptClient:
    """
    One client of a script.

    :ivar agent: who logs in through it, if it is a desktop.
    :ivar interested: it wants to hear of changed properties.
    """

    name: str
    client_type: ClientType
    agent: str = ""
    interested: bool = False

    @property
    def reports(self) -> bool:
        """Whether it is one that reads reporting streams."""
        return self.client_type is ClientType.REPORTING_ENGINE


@dataclass(frozen=True, slots=True)
class Ask:
    """One client asks one thing; `labels` are what it submits, or acts on."""

    client: int
    request: Request
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Upon:
    """
    As soon as a client is invited, some things are asked, each after the answer of the last.

    If the round's request about `label` is answered before any invitation
    came, nothing is asked.

    :ivar client: who must have heard of the invitation.
    :ivar label: the interaction.
    :ivar after: seconds from the invitation until the first is asked.
    """

    client: int
    label: str
    asks: tuple[Ask, ...]
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class PullAll:
    """One client pulls by a view until it is empty."""

    client: int
    view: str
    at_once: int = 1
    for_strategy: bool = False


@dataclass(frozen=True, slots=True)
class ReadAll:
    """
    One client reads a snapshot, page by page.

    :ivar snapshot: its number among all that the script has taken, from 1.
    :ivar at_once: interactions on a page; 0: as many as there are.
    """

    client: int
    snapshot: int
    at_once: int = 0


@dataclass(frozen=True, slots=True)
class Lose:
    """The connection of a client is lost, and made again."""

    client: int


@dataclass(frozen=True, slots=True)
class Renew:
    """A client says goodbye, and one of its name comes with a new session."""

    client: int


@dataclass(frozen=True, slots=True)
class Vanish:
    """
    The programs of some clients die together; after some seconds others of
    their names come, each with a new session.
    """

    clients: tuple[int, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Time passes, in seconds."""

    seconds: float


Action = Ask | Upon | PullAll | ReadAll | Lose | Renew | Vanish | Wait


@dataclass(frozen=True, slots=True)
class Script:
    """
    Clients, and rounds of what they do.

    :ivar options: settings of the servers in which it differs from others,
        by their names in `NodeSettings`.
    :ivar services: there are external servers (`memory_services.usual_services`).
    """

    seed: int
    clients: tuple[ScriptClient, ...]
    rounds: tuple[tuple[Action, ...], ...]
    options: tuple[tuple[str, Any], ...] = ()
    services: bool = False
