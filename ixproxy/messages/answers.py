"""What requests are answered with."""

from __future__ import annotations

from msgspec import field

from ixproxy.messages.message import AgentSession, Count, KeyValues, Message, Number, Structure

__all__ = [
    "Event3rdServerFault",
    "Event3rdServerResponse",
    "EventAck",
    "EventAgentWorkbinStats",
    "EventError",
    "EventInteractionMoved",
    "EventInteractionProperties",
    "EventInteractionsFound",
    "EventPing",
    "EventPulledInteractions",
    "EventSnapshotInteractions",
    "EventSnapshotTaken",
    "EventWorkbinContent",
    "EventWorkbinTypesInfo",
    "ServerFacts",
]


class ServerFacts(Structure, frozen=True, kw_only=True):
    """
    What a server says of itself in the answer to a registration.

    :ivar role: `node` or `proxy`.
    :ivar epoch: the lease epoch of a node; 0 for a proxy.
    :ivar last_event_number: the number of the node's last event.
    :ivar max_frame: the longest frame the server takes.
    :ivar path: the names of the proxies in front of the nodes, this one first.
    """

    name: str = ""
    role: str = ""
    version: Count = 1
    features: list[str] = []
    dbid: Count = 0
    epoch: Count = 0
    tenants: list[Count] = []
    last_event_number: Count = 0
    max_frame: Count = 1 << 20
    path: list[str] = []


class EventAck(Message, frozen=True, kw_only=True):
    """
    Success.

    To a submit, `interaction_id` (in the prefix) and
    `extension["InteractionId"]` name the new interaction. Where the answer
    hands over an interaction, `take_number` is the event number of the take.
    To a registration: `proxy_client_id`, `server` and `held` (interaction id
    to take number: what the session really has there), `snapshots`: those of the
    listed ones that it has there.
    """

    interaction_id: str = ""
    take_number: Count = 0
    proxy_client_id: Count = 0
    server: ServerFacts | None = None
    held: dict[str, Count] = {}
    held_continues: bool = False
    agent_session: AgentSession | None = None
    repeated: bool = False
    snapshots: list[Count] = []


class EventError(Message, frozen=True, kw_only=True):
    """Refusal; `in_doubt` says that the request may have been carried out."""

    interaction_id: str = ""
    error_code: Count = 0
    error_description: str = ""
    in_doubt: bool = False


class InteractionsAnswer(Message, frozen=True, kw_only=True):
    """
    Interactions by id, each with its properties, in answer order.

    `sort_keys` maps ids to bytes that compare as the order asked for; nodes
    agree on them, so answers of several nodes can be merged by it.
    """

    interactions: dict[str, KeyValues] = {}
    sort_keys: dict[str, bytes] = {}
    have_more: bool = False


class EventPulledInteractions(InteractionsAnswer, frozen=True, kw_only=True):
    """
    What a pull took.

    :ivar take_numbers: interaction id to the event number of its take.
    :ivar errors: by ids: interaction id to the code why it was not taken.
    :ivar next_sort_key: the key of the next interaction in the view.
    """

    take_numbers: dict[str, Count] = {}
    errors: dict[str, Count] = {}
    next_sort_key: bytes = b""


class EventInteractionsFound(InteractionsAnswer, frozen=True, kw_only=True):
    """What a find found."""


class EventWorkbinContent(InteractionsAnswer, frozen=True, kw_only=True):
    """What lies in a workbin."""


class EventInteractionProperties(Message, frozen=True, kw_only=True):
    """All properties of one interaction."""

    interaction_id: str = ""
    interaction: KeyValues = {}


class EventWorkbinTypesInfo(Message, frozen=True, kw_only=True):
    """Workbin type names, each with its settings."""

    workbin_types: dict[str, KeyValues] = {}


class EventAgentWorkbinStats(Message, frozen=True, kw_only=True):
    """
    How much is in a workbin, or in all of one owner; numbers add up over nodes.

    :ivar statistics: `Total`, which is `InWorkbin`, what lies there, and
        `Handling` and `Routing`, what agents and strategies have taken out;
        `Type.NAME`, what lies in those of a type; `HeldBy.NAME`, what an agent
        has taken out.
    """

    statistics: dict[str, Number] = {}


class EventSnapshotTaken(Message, frozen=True, kw_only=True):
    """A snapshot exists; its members have the positions from 0 on."""

    snapshot_id: Count = 0
    number_of_interactions: Count = 0


class EventSnapshotInteractions(InteractionsAnswer, frozen=True, kw_only=True):
    """
    A page of a snapshot.

    It covers the positions from `StartFrom` on, one for each id in
    `interactions` or `errors`: so many as were asked for, unless the snapshot
    ends or one answer cannot take more; `have_more` says that others follow.

    :ivar errors: interaction id to the code why it is not shown: members that
        have left the server.
    """

    errors: dict[str, Count] = {}


class EventInteractionMoved(Message, frozen=True, kw_only=True):
    """
    The interactions of a snapshot were moved, or stopped.

    :ivar number_of_interactions: how many were.
    :ivar errors: interaction id to the code why it was not: members that have
        left the server, or are not as they were when the snapshot was taken.
    """

    number_of_interactions: Count = 0
    errors: dict[str, Count] = {}


class EventPing(Message, frozen=True, kw_only=True):
    """A server's statistics."""

    statistics: KeyValues = {}


class Event3rdServerResponse(Message, frozen=True, kw_only=True):
    """An external server's answer."""

    interaction_id: str = ""
    envelope3rd_server: KeyValues = field(default_factory=dict, name="Envelope3rdServer")
    user_data: KeyValues = {}


class Event3rdServerFault(Message, frozen=True, kw_only=True):
    """An external server's refusal."""

    interaction_id: str = ""
    fault_code: str = ""
    fault_string: str = ""
    envelope3rd_server: KeyValues = field(default_factory=dict, name="Envelope3rdServer")
