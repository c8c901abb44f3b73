"""Requests that make, find, move and end interactions."""

from __future__ import annotations

from ixproxy.messages.message import Count, KeyValues, Name, Request, Time, Workbin

__all__ = [
    "RequestChangeProperties",
    "RequestFindInteractions",
    "RequestGetInteractionProperties",
    "RequestGetSnapshotInteractions",
    "RequestGetWorkbinContent",
    "RequestHold",
    "RequestLockInteraction",
    "RequestMoveInteractions",
    "RequestPlaceInQueue",
    "RequestPlaceInWorkbin",
    "RequestPull",
    "RequestReleaseSnapshot",
    "RequestResume",
    "RequestSetInFocus",
    "RequestStopInteractions",
    "RequestStopProcessing",
    "RequestSubmit",
    "RequestTakeSnapshot",
    "RequestUnlockInteraction",
    "RequestWorkbinCancelNotifications",
    "RequestWorkbinNotifications",
    "RequestWorkbinStatistic",
    "RequestWorkbinTypesInfo",
]


class RequestSubmit(Request, frozen=True, kw_only=True):
    """
    Hands a new interaction in: queued for a media server, handling for an agent.

    :ivar received_at: seconds since the epoch, UTC; 0: now.
    :ivar submit_receipt: the source's own name of the document; a repeat
        within `submit-receipt-retention` gets the first id and does nothing.
    """

    tenant_id: int = 0
    media_type: str = ""
    interaction_id: str = ""
    queue: str = ""
    interaction_type: Name = ""
    interaction_subtype: Name = ""
    is_online: bool = False
    received_at: Time = 0.0
    user_data: KeyValues = {}
    parent_interaction_id: Name = ""
    in_queues: KeyValues = {}
    out_queues: KeyValues = {}
    workbin: Workbin | None = None
    submit_receipt: Name = ""


class InteractionRequest(Request, frozen=True, kw_only=True):
    """A request that names one interaction."""

    tenant_id: int = 0
    interaction_id: str = ""


class PropertiesRequest(InteractionRequest, frozen=True, kw_only=True):
    """A request that may change properties: added, changed, deleted."""

    added_properties: KeyValues = {}
    changed_properties: KeyValues = {}
    deleted_properties: KeyValues = {}


class RequestChangeProperties(PropertiesRequest, frozen=True, kw_only=True):
    """Changes properties and user data."""


class RequestPlaceInQueue(PropertiesRequest, frozen=True, kw_only=True):
    """Ends the client's part in an interaction by placing it in a queue."""

    queue: str = ""


class RequestPlaceInWorkbin(PropertiesRequest, frozen=True, kw_only=True):
    """Ends the client's part in an interaction by placing it in a workbin."""

    workbin: Workbin = Workbin()


class RequestStopProcessing(InteractionRequest, frozen=True, kw_only=True):
    """Ends an interaction for good."""


class RequestHold(InteractionRequest, frozen=True, kw_only=True):
    """Holds an interaction: it is not pulled until resumed."""


class RequestResume(InteractionRequest, frozen=True, kw_only=True):
    """Ends a hold."""


class RequestGetInteractionProperties(InteractionRequest, frozen=True, kw_only=True):
    """Asks for all properties of an interaction."""


class RequestSetInFocus(InteractionRequest, frozen=True, kw_only=True):
    """Says whether the agent looks at an interaction."""

    in_focus: bool = True


class RequestPull(Request, frozen=True, kw_only=True):
    """
    Takes interactions out of a view, or by their ids.

    :ivar view_id: `queue/view`, or `_system_` for a pull by ids.
    :ivar pull_parameters: by ids: its keys are the ids.
    :ivar number_of_interactions: by view: at most so many; 0: one.
    """

    tenant_id: int = 0
    view_id: str = ""
    pull_parameters: KeyValues = {}
    number_of_interactions: Count = 0


class RequestFindInteractions(Request, frozen=True, kw_only=True):
    """Finds interactions by a condition in the dialect of views."""

    tenant_id: int = 0
    media_type: str = ""
    condition: str = ""
    order: str = ""
    number_of_interactions: Count = 0


class WorkbinRequest(Request, frozen=True, kw_only=True):
    """A request about one workbin."""

    tenant_id: int = 0
    workbin: Workbin = Workbin()


class RequestGetWorkbinContent(WorkbinRequest, frozen=True, kw_only=True):
    """
    Asks for the interactions in a workbin.

    :ivar order: in the dialect of views; empty: as they came there.
    """

    media_type: str = ""
    order: str = ""


class RequestWorkbinTypesInfo(Request, frozen=True, kw_only=True):
    """Asks for the workbin types of a tenant."""

    tenant_id: int = 0


class RequestWorkbinNotifications(WorkbinRequest, frozen=True, kw_only=True):
    """
    Subscribes to changes of a workbin's content; once more: with other wishes.

    By its extension a client can ask for the end, too, of what lies there or
    was taken out of it.

    :ivar notify_property_changes: 1: changed properties of what lies there are told, too.
    """

    notify_property_changes: Count = 0


class RequestWorkbinCancelNotifications(WorkbinRequest, frozen=True, kw_only=True):
    """Ends a subscription to a workbin."""


class RequestWorkbinStatistic(WorkbinRequest, frozen=True, kw_only=True):
    """Asks how much is in a workbin; without a type: in all of one owner."""


class RequestTakeSnapshot(Request, frozen=True, kw_only=True):
    """
    Selects interactions by a condition, for paging and moving.

    :ivar order: of the members; by default the order of arrival.
    :ivar lock: lock the members: only what is in a queue and not locked becomes one.
    :ivar check_interactions_state: only what can be pulled becomes a member: in
        a queue, neither locked nor on hold.
    :ivar number_of_interactions: at most so many; 0: as many as are allowed.
    """

    tenant_id: int = 0
    condition: str = ""
    order: str = ""
    lock: bool = False
    check_interactions_state: bool = False
    number_of_interactions: Count = 0


class SnapshotRequest(Request, frozen=True, kw_only=True):
    """A request about one snapshot."""

    tenant_id: int = 0
    snapshot_id: Count = 0


class RequestGetSnapshotInteractions(SnapshotRequest, frozen=True, kw_only=True):
    """
    Asks for a page of a snapshot.

    :ivar start_from: the position of its first member, from 0.
    :ivar number_of_interactions: how many positions; 0: all from there on.
    """

    start_from: Count = 0
    number_of_interactions: Count = 0


class RequestLockInteraction(SnapshotRequest, frozen=True, kw_only=True):
    """Locks one interaction of a snapshot."""

    interaction_id: str = ""


class RequestUnlockInteraction(SnapshotRequest, frozen=True, kw_only=True):
    """Unlocks one interaction of a snapshot."""

    interaction_id: str = ""


class RequestMoveInteractions(SnapshotRequest, frozen=True, kw_only=True):
    """Moves the interactions of a snapshot to a queue."""

    queue: str = ""


class RequestStopInteractions(SnapshotRequest, frozen=True, kw_only=True):
    """Stops the interactions of a snapshot."""


class RequestReleaseSnapshot(SnapshotRequest, frozen=True, kw_only=True):
    """Frees a snapshot and what it locked."""
