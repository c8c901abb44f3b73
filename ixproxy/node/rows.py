"""
The rows of a node's state: what rules read and change, and stores keep.

Every row is a frozen value with a table name and a key; a rule changes a row
by putting another with the same key. Times are seconds since the epoch, UTC.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

Key = tuple[Any, ...]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """The root of all rows."""

    table: ClassVar[str]
    key_columns: ClassVar[tuple[str, ...]]

    @property
    def key(self) -> Key:
        """The row's primary key."""
        return tuple(getattr(self, column) for column in self.key_columns)


class InteractionRow(Row, frozen=True, kw_only=True):
    """
    One interaction.

    Queue and workbin columns keep naming its place while it is taken: that
    is where it goes back. `queue_seq` orders arrivals in the queue and does
    not change by a return. `snapshot_id` is that of the snapshot that has
    locked it, None where `is_locked` is 0. `user_data`, `in_queues` and
    `out_queues` are MessagePack maps; `custom` holds configured custom
    properties by column.
    """

    table: ClassVar[str] = "interactions"
    key_columns: ClassVar[tuple[str, ...]] = ("id",)

    id: str
    tenant_id: int
    media_type: str
    type: str = ""
    subtype: str = ""
    state: int = 0
    queue: str = ""
    workbin_type: str | None = None
    workbin_agent: str | None = None
    workbin_group: str | None = None
    workbin_place: str | None = None
    workbin_place_group: str | None = None
    is_locked: int = 0
    is_online: int = 0
    is_held: int = 0
    received_at: float = 0.0
    submitted_at: float = 0.0
    submitted_by: str = ""
    moved_to_queue_at: float | None = None
    placed_in_queue_at: float | None = None
    delivered_at: float | None = None
    held_at: float | None = None
    completed_at: float | None = None
    abandoned_at: float | None = None
    parent_id: str | None = None
    external_id: str | None = None
    priority: int | None = None
    service_objective: int | None = None
    assigned_to: str | None = None
    in_queues: bytes = b""
    out_queues: bytes = b""
    queue_seq: int = 0
    user_data: bytes = b"\x80"
    snapshot_id: int | None = None
    custom: dict[str, Any] = {}


class PartyRow(Row, frozen=True, kw_only=True):
    """
    One party of an interaction: what its client session holds.

    `take_number` is the number of the event by which it was taken; it names
    this take against all others of the same interaction.
    """

    table: ClassVar[str] = "parties"
    key_columns: ClassVar[tuple[str, ...]] = ("interaction_id", "session")

    interaction_id: str
    session: bytes
    tenant_id: int
    party_type: int
    take_number: int
    joined_at: float
    agent_id: str = ""
    place_id: str = ""
    strategy_id: str = ""
    visibility_mode: str = ""
    agent_number: int = 0
    agent_dbid: int = 0


class AgentRow(Row, frozen=True, kw_only=True):
    """
    One agent session on this node: provisional until confirmed.

    `media` maps media types to 0 (not ready) or 1 (ready); `sessions` are the
    client sessions that the agent is logged in through. `reasons` maps media
    types to the reasons for their states, and "" to that of the agent's, each
    as the map of a Reason.
    """

    table: ClassVar[str] = "agents"
    key_columns: ClassVar[tuple[str, ...]] = ("tenant_id", "agent_id", "number", "dbid")

    tenant_id: int
    agent_id: str
    number: int
    dbid: int
    place_id: str = ""
    media: dict[str, int] = {}
    confirmed: bool = False
    logged_in_at: float = 0.0
    sessions: list[bytes] = []
    donot_disturb: int = 0
    reasons: dict[str, dict[str, Any]] = {}


class SessionRow(Row, frozen=True, kw_only=True):
    """
    One client session known to the node.

    `lost_at` is when its connection was lost, None while it is connected;
    for what a start finds stored it is the time of the start. `lost_with` is
    the application that was lost then: a proxy, or the client itself.
    """

    table: ClassVar[str] = "sessions"
    key_columns: ClassVar[tuple[str, ...]] = ("session",)

    session: bytes
    client_name: str
    client_type: str
    incarnation: int
    tenants: list[int] = []
    lost_at: float | None = None
    lost_with: str = ""


class InvitationRow(Row, frozen=True, kw_only=True):
    """
    An agent is asked to take part in an interaction, and has not answered.

    `ticket` is the number of the event by which the agent was invited, and
    names the invitation; `operation` says what was asked: `Deliver`,
    `Transfer` or `Conference`. `inviter` is the client session that asked,
    `inviter_agent` the agent behind it, if it is one. `extension` is a
    MessagePack map: what the request brought along for the invited agent.
    """

    table: ClassVar[str] = "invitations"
    key_columns: ClassVar[tuple[str, ...]] = ("ticket",)

    ticket: int
    interaction_id: str
    tenant_id: int
    operation: str
    agent_id: str
    agent_number: int
    agent_dbid: int
    place_id: str = ""
    visibility_mode: str = ""
    inviter: bytes = b""
    inviter_agent: str = ""
    inviter_strategy: str = ""
    invited_at: float = 0.0
    due_at: float = 0.0
    extension: bytes = b"\x80"


class LogoutRow(Row, frozen=True, kw_only=True):
    """
    An agent session that has ended by a loss, which is not reported yet.

    `application_name` is what was lost; `lasting` says whether the client
    could have come back. `last_state` is what reporting has of the session:
    attributes of an EventPlaceAgentState by the names of an agent's row.
    """

    table: ClassVar[str] = "logouts"
    key_columns: ClassVar[tuple[str, ...]] = ("tenant_id", "agent_id")

    tenant_id: int
    agent_id: str
    number: int
    dbid: int
    place_id: str = ""
    application_name: str = ""
    lasting: bool = True
    due_at: float = 0.0
    last_state: dict[str, Any] = {}


class ReceiptRow(Row, frozen=True, kw_only=True):
    """A submit receipt: kept after the interaction is gone, for its retention."""

    table: ClassVar[str] = "receipts"
    key_columns: ClassVar[tuple[str, ...]] = ("tenant_id", "submitted_by", "receipt")

    tenant_id: int
    submitted_by: str
    receipt: str
    interaction_id: str
    created_at: float


class DocumentRow(Row, frozen=True, kw_only=True):
    """
    The receipt of a document that a capture point has handed in.

    :ivar kept_until: it counts until then, and is deleted later.
    :ivar results: of its operations, as MessagePack; empty: they were too large.
    """

    table: ClassVar[str] = "documents"
    key_columns: ClassVar[tuple[str, ...]] = ("point", "receipt")

    point: str
    receipt: str
    kept_until: float
    results: bytes = b""


class TimerRow(Row, frozen=True, kw_only=True):
    """
    Something due at a time: `kind` is `handling`, `routing` or `delivering`.

    `seconds` is how long it runs from each restart: what was configured when
    it began, for a changed option does not touch what is being handled.
    """

    table: ClassVar[str] = "timers"
    key_columns: ClassVar[tuple[str, ...]] = ("kind", "interaction_id")

    kind: str
    interaction_id: str
    due_at: float
    seconds: float = 0.0


class OutboxRow(Row, frozen=True, kw_only=True):
    """One event that one consumer has not taken over yet."""

    table: ClassVar[str] = "outbox"
    key_columns: ClassVar[tuple[str, ...]] = ("event_number", "consumer")

    event_number: int
    consumer: str
    body: bytes


class SnapshotRow(Row, frozen=True, kw_only=True):
    """
    A snapshot that a client session has taken.

    :ivar size: how many members it has; while it is taken: so far; while it
        is freed: still.
    :ivar state: a value of `ixproxy.values.SnapshotState`.
    """

    table: ClassVar[str] = "snapshots"
    key_columns: ClassVar[tuple[str, ...]] = ("snapshot_id",)

    snapshot_id: int
    session: bytes
    tenant_id: int
    taken_at: float
    size: int = 0
    state: int = 0


class SnapshotMemberRow(Row, frozen=True, kw_only=True):
    """
    One interaction of a snapshot; that it is locked stands in its own row.

    :ivar position: from 0, in the order of the snapshot.
    :ivar state: that of the interaction when the snapshot was taken, as is
        `queue_seq`: together they tell whether it has been elsewhere since.
    :ivar sort_key: by the order that was asked for; empty: none was.
    """

    table: ClassVar[str] = "snapshot_members"
    key_columns: ClassVar[tuple[str, ...]] = ("snapshot_id", "interaction_id")

    snapshot_id: int
    interaction_id: str
    position: int
    state: int
    queue_seq: int
    sort_key: bytes = b""


ROW_TYPES: tuple[type[Row], ...] = (
    InteractionRow,
    PartyRow,
    AgentRow,
    SessionRow,
    InvitationRow,
    LogoutRow,
    ReceiptRow,
    DocumentRow,
    TimerRow,
    OutboxRow,
    SnapshotRow,
    SnapshotMemberRow,
)
BY_TABLE: dict[str, type[Row]] = {row.table: row for row in ROW_TYPES}
