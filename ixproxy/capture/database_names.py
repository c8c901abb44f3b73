"""The names that columns and parameters of a database capture point may have, and where."""

from __future__ import annotations

from collections.abc import Mapping

from ixproxy.capture.database_parameters import Statement
from ixproxy.capture.field_names import FIELD
from ixproxy.node.intake_work import Said

INTERACTION_ID = "InteractionId"
EXTERNAL_ID = "ExternalId"
ERROR_CODE = "ErrorCode"
ERROR_DESCRIPTION = "ErrorDescription"

CAPTURE, CAPTURED, ERROR = "capture-query", "captured-update", "error-update"
STARTUP = "startup-query"
SOURCE, SOURCE_DONE, SOURCE_ERROR = (
    "source-update-query", "source-updated-update", "source-error-update",
)  # fmt: skip

REQUIRED = (CAPTURE, CAPTURED, ERROR)
SOURCE_UPDATES = (SOURCE, SOURCE_DONE, SOURCE_ERROR)

PLACED = {
    "completed-update": ("complete-queues", ("iWD_Completed",)),
    "canceled-update": ("cancel-queues", ("iWD_Canceled",)),
    "rejected-update": ("reject-queues", ("iWD_Rejected",)),
    "restarted-update": ("restart-queues", ("iWD_New",)),
    "error-held-update": ("error-held-queues", ("iWD_ErrorHeld",)),
}
"""What is told of a placement in some queues: the setting that lists them, and its default."""

QUEUED = "queued-update"
"""What is told of a placement in any other queue."""

TOLD = {
    Said.ASSIGNED: "assigned-update",
    Said.ROUTE_REQUESTED: "route-requested-update",
    Said.HELD: "held-update",
    Said.RESUMED: "resumed-update",
    Said.STOPPED: "stopped-update",
    Said.CHANGED: "updated-update",
}

NOTIFICATIONS = (*TOLD.values(), *PLACED, QUEUED)

# Words that are no properties, by the queries in which they have a value.
OF_ERRORS = (ERROR_CODE, ERROR_DESCRIPTION)
OF_PARTIES = ("PartyAgentId", "PartyPlaceId", "PartyStrategyId")
OF_NOTIFICATIONS = (
    "EventTime", "EventNumber", "ActorType", "ActorId", *OF_PARTIES,
    "ReasonSystemName", "ReasonDescription",
)  # fmt: skip

_KNOWN = {name.casefold(): name for name in (*FIELD, *OF_ERRORS, *OF_NOTIFICATIONS)}


def misspelt(name: str) -> str:
    """The known name that differs from `name` by letter case alone, or ""."""
    known = _KNOWN.get(name.casefold(), name)
    return known if known != name else ""


def wrong_parameter(key: str, statement: Statement) -> str:
    """What is wrong with a parameter of the query `key`, or ""."""
    if statement.names and key in (CAPTURE, STARTUP, SOURCE):
        return f"?'{statement.names[0]}': here is nothing that a parameter could stand for"
    for name in statement.names:
        if known := misspelt(name):
            return f"?'{name}': names are case-sensitive; is ?'{known}' meant?"
        for words, where, kinds in (
            (OF_ERRORS, (ERROR, SOURCE_ERROR), "of errors"),
            (OF_NOTIFICATIONS, NOTIFICATIONS, "of notifications"),
        ):
            if name in words and key not in where:
                return f"?'{name}' has a value only in queries {kinds}"
    return ""


def unfed(statement: Statement, columns: tuple[str, ...]) -> str:
    """The first parameter of a mark that no row of these columns has a value for, or ""."""
    fed = {*columns, INTERACTION_ID, EXTERNAL_ID, *OF_ERRORS}
    return next((name for name in statement.names if name not in fed), "")


def wanted(queries: Mapping[str, Statement]) -> frozenset[Said]:
    """What there are queries for."""
    found = {said for said, key in TOLD.items() if key in queries}
    if any(key in queries for key in (*PLACED, QUEUED)):
        found.add(Said.PLACED_IN_QUEUE)
    return frozenset(found)
