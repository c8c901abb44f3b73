"""What a rule may use while one batch runs: rows, memory, model, settings, the time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from ixproxy.messages.message import Event, Reason
from ixproxy.node.counters import Counters
from ixproxy.node.journal import Journal
from ixproxy.node.memory import Memory
from ixproxy.node.model import NodeModel, NodeSettings
from ixproxy.node.outbox_sizes import Outboxes
from ixproxy.node.spools import Spools
from ixproxy.node.work import Effect, Report, Sender, Tell
from ixproxy.node.working_set import WorkingSet


class Identity(NamedTuple):
    """Who the node is in this lease."""

    name: str
    dbid: int
    epoch: int


class Counted(Protocol):
    """How much there is of what, as of the last finished batch."""

    def by_state(self) -> Mapping[tuple[int, str, int], int]:
        """How many interactions are in each queue (tenant id, name, state)."""


class _NothingCounted:
    def by_state(self) -> Mapping[tuple[int, str, int], int]:
        return {}


MEMBERS_FREED = 1000
"""Members of snapshots that are freed in one batch, whoever ends them; the rest waits."""


class Turn:
    """
    One batch.

    :ivar now: seconds since the epoch, UTC: the same for the whole batch.
    :ivar counted: how much there is, as of the batch before.
    :ivar room: how many members of snapshots may still be freed.
    :ivar tells: what the request in hand says besides its answer: events, and answers to others.
    :ivar outboxes: how much waits for each capture point.
    :ivar spools: what event logs are told, and how much waits for each.
    :ivar mistakes: what of ours broke in a part of the request in hand, which
        was undone, while the rest of it is done.
    """

    __slots__ = (
        "counted",
        "counters",
        "identity",
        "journal",
        "memory",
        "mistakes",
        "model",
        "now",
        "outboxes",
        "room",
        "rows",
        "settings",
        "spools",
        "tells",
    )

    def __init__(
        self,
        rows: WorkingSet,
        memory: Memory,
        model: NodeModel,
        settings: NodeSettings,
        identity: Identity,
        now: float,
        counted: Counted | None = None,
        outboxes: Outboxes | None = None,
        spools: Spools | None = None,
    ) -> None:
        self.rows = rows
        self.memory = memory
        self.model = model
        self.settings = settings
        self.identity = identity
        self.now = now
        self.counted: Counted = counted or _NothingCounted()
        self.room = MEMBERS_FREED
        self.journal: Journal = memory.journal
        self.counters: Counters = memory.counters
        self.tells: list[Effect] = []
        self.outboxes = outboxes or Outboxes(memory.journal)
        self.spools = spools or Spools(memory.journal)
        self.mistakes: list[BaseException] = []

    def tell(self, session: bytes, event: Event) -> None:
        """Send an event to a client session, after the answer of the request in hand."""
        self.tells.append(Tell(session, event))

    def report(self, tenant_id: int, event: Event) -> None:
        """Send an event of a tenant to its reporting streams."""
        if self.memory.is_reported(tenant_id):
            self.tells.append(Report(event))


class Cause(NamedTuple):
    """
    Who or what brings something about.

    :ivar sender: the client that asked for it, if one did.
    :ivar requester: the session that need not be told, for it asked for just this.
    """

    sender: Sender | None = None
    reason: Reason | None = None
    requester: bytes = b""
