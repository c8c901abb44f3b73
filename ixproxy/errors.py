"""What can go wrong, and the public code that tells a client so."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple


class Outcome(Enum):
    """What an error says about the request that it answers."""

    NOTHING_DONE = "nothing done"
    IN_DOUBT = "in doubt"


class ErrorRow(NamedTuple):
    """One row of the public table of codes."""

    code: int
    text: str
    outcome: Outcome


class Code:
    """
    Every error code, by name.

    2, 34, 43 and 69 are the codes known of the field's server; 2000 to 2006
    are the documented codes of the proxy and no others are added there; 3000
    to 3099 are ours, on proxies and on nodes, for what the field has no
    public code for.
    """

    MISSING_VALUE = 2
    AGENT_NOT_LOGGED_IN = 34
    UNKNOWN_INTERACTION = 43
    NOT_LOGGED_IN_FOR_LOGOUT = 69

    UNSUPPORTED_OPERATION = 2000
    NO_SERVERS = 2001
    LOST_CONNECTION = 2002
    NOT_ACCESSIBLE = 2003
    IN_PROGRESS = 2004
    MORE_THAN_ONE = 2005
    SNAPSHOT_NOT_ACCESSIBLE = 2006

    BUSY = 3000
    EXPIRED = 3001
    CANCELLED = 3002
    TOO_LARGE = 3003
    BAD_FRAME = 3004
    BAD_ATTRIBUTE = 3005
    NOT_ALLOWED = 3006
    STRATEGY_FAILED = 3007
    UNSUPPORTED_YET = 3008
    SUPERSEDED = 3009
    NOT_REGISTERED = 3010
    INVALID_CLIENT = 3011
    UNSUPPORTED_VERSION = 3012
    TOO_MANY_CLIENTS = 3013
    PATH_LOOP = 3014
    NOT_AUTHENTICATED = 3015
    STORE_FAILED = 3020
    STORE_UNCERTAIN = 3021
    STOPPING = 3022
    EVENT_LOG_FULL = 3023
    UNKNOWN_TENANT = 3030
    UNKNOWN_MEDIA_TYPE = 3031
    UNKNOWN_QUEUE = 3032
    UNKNOWN_VIEW = 3033
    UNKNOWN_WORKBIN = 3034
    UNKNOWN_OWNER = 3035
    INVALID_CONDITION = 3036
    DUPLICATE_INTERACTION = 3040
    NOT_QUEUED = 3041
    LOCKED = 3042
    NOT_A_PARTY = 3043
    ALREADY_HELD = 3044
    NOT_HELD = 3045
    READ_ONLY_PROPERTY = 3046
    DUPLICATE_KEY = 3047
    USER_DATA_TOO_LARGE = 3048
    RECEIPT_HOME_UNAVAILABLE = 3049
    ALREADY_LOGGED_IN = 3050
    PLACE_OCCUPIED = 3051
    MEDIA_NOT_ADDED = 3052
    NO_LICENCE = 3053
    STALE_SESSION = 3054
    TARGET_NOT_LOGGED_IN = 3055
    UNKNOWN_AGENT = 3056
    INVITATION_REJECTED = 3057
    INVITATION_EXPIRED = 3058
    INVITATION_OVER = 3059
    LIMIT_REACHED = 3060
    ALREADY_A_PARTY = 3061
    DO_NOT_DISTURB = 3062
    NOT_HANDLED = 3063
    UNKNOWN_SNAPSHOT = 3064
    TOO_MANY_SNAPSHOTS = 3065
    NOT_IN_SNAPSHOT = 3066
    CHANGED_SINCE = 3067
    NOT_SUBSCRIBED = 3068
    SERVICE_UNKNOWN = 3070
    SERVICE_NOT_CONNECTED = 3071
    SERVICE_QUEUE_FULL = 3072
    SERVICE_TIMED_OUT = 3073
    SERVICE_LOST = 3074
    INTERNAL = 3099


_NO, _MAYBE = Outcome.NOTHING_DONE, Outcome.IN_DOUBT

ERRORS: dict[int, ErrorRow] = {
    row.code: row
    for row in (
        ErrorRow(Code.MISSING_VALUE, "Required value is missing", _NO),
        ErrorRow(Code.AGENT_NOT_LOGGED_IN, "Agent is not logged in", _NO),
        ErrorRow(Code.UNKNOWN_INTERACTION, "Unknown interaction identifier specified", _NO),
        ErrorRow(Code.NOT_LOGGED_IN_FOR_LOGOUT, "Nothing to log out", _NO),
        ErrorRow(Code.UNSUPPORTED_OPERATION, "Unsupported operation", _NO),
        ErrorRow(Code.NO_SERVERS, "There are no servers accepting this media/tenant", _NO),
        ErrorRow(Code.LOST_CONNECTION, "Lost connection to one of the asked servers", _MAYBE),
        ErrorRow(Code.NOT_ACCESSIBLE, "Interaction not accessible", _NO),
        ErrorRow(Code.IN_PROGRESS, "Operation already in progress", _NO),
        ErrorRow(Code.MORE_THAN_ONE, "More than one server contain interaction with same ID", _NO),
        ErrorRow(Code.SNAPSHOT_NOT_ACCESSIBLE, "Snapshot not accessible", _NO),
        ErrorRow(Code.BUSY, "Busy: a queue on the way is full", _NO),
        ErrorRow(Code.EXPIRED, "Time-out before the request was sent on", _NO),
        ErrorRow(Code.CANCELLED, "Cancelled", _NO),
        ErrorRow(Code.TOO_LARGE, "Frame exceeds the announced maximum", _NO),
        ErrorRow(Code.BAD_FRAME, "Malformed frame", _NO),
        ErrorRow(Code.BAD_ATTRIBUTE, "Attribute has a wrong type or value", _NO),
        ErrorRow(Code.NOT_ALLOWED, "This client may not send this request", _NO),
        ErrorRow(Code.STRATEGY_FAILED, "The configured strategy failed", _NO),
        ErrorRow(Code.UNSUPPORTED_YET, "Unsupported yet", _NO),
        ErrorRow(Code.SUPERSEDED, "Superseded by a newer registration of this session", _NO),
        ErrorRow(Code.NOT_REGISTERED, "Client is not registered", _NO),
        ErrorRow(Code.INVALID_CLIENT, "Client is not valid", _NO),
        ErrorRow(Code.UNSUPPORTED_VERSION, "Protocol version is not supported", _NO),
        ErrorRow(Code.TOO_MANY_CLIENTS, "Too many clients", _NO),
        ErrorRow(Code.PATH_LOOP, "The path of proxies contains this proxy already", _NO),
        ErrorRow(Code.NOT_AUTHENTICATED, "User and password are missing or wrong", _NO),
        ErrorRow(Code.STORE_FAILED, "The store refused the change", _NO),
        ErrorRow(Code.STORE_UNCERTAIN, "The outcome in the store is not known", _MAYBE),
        ErrorRow(Code.STOPPING, "The server is stopping", _NO),
        ErrorRow(Code.EVENT_LOG_FULL, "An event log that must have everything is full", _NO),
        ErrorRow(Code.UNKNOWN_TENANT, "Unknown tenant", _NO),
        ErrorRow(Code.UNKNOWN_MEDIA_TYPE, "Unknown media type", _NO),
        ErrorRow(Code.UNKNOWN_QUEUE, "Unknown queue", _NO),
        ErrorRow(Code.UNKNOWN_VIEW, "Unknown view", _NO),
        ErrorRow(Code.UNKNOWN_WORKBIN, "Unknown workbin", _NO),
        ErrorRow(Code.UNKNOWN_OWNER, "Workbin owner is missing or unknown", _NO),
        ErrorRow(Code.INVALID_CONDITION, "Condition or order is not valid", _NO),
        ErrorRow(Code.DUPLICATE_INTERACTION, "Interaction identifier exists already", _NO),
        ErrorRow(Code.NOT_QUEUED, "Interaction is not in a pullable state", _NO),
        ErrorRow(Code.LOCKED, "Interaction is locked", _NO),
        ErrorRow(Code.NOT_A_PARTY, "Client is not a party of the interaction", _NO),
        ErrorRow(Code.ALREADY_HELD, "Interaction is already on hold", _NO),
        ErrorRow(Code.NOT_HELD, "Interaction is not on hold", _NO),
        ErrorRow(Code.READ_ONLY_PROPERTY, "Property is read-only", _NO),
        ErrorRow(Code.DUPLICATE_KEY, "Key is named twice", _NO),
        ErrorRow(Code.USER_DATA_TOO_LARGE, "User data exceeds max-userdata-size", _NO),
        ErrorRow(
            Code.RECEIPT_HOME_UNAVAILABLE, "The node that keeps this receipt is not available", _NO
        ),
        ErrorRow(Code.ALREADY_LOGGED_IN, "Agent is already logged in", _NO),
        ErrorRow(Code.PLACE_OCCUPIED, "Place is occupied by another agent", _NO),
        ErrorRow(Code.MEDIA_NOT_ADDED, "Media is not part of the agent session", _NO),
        ErrorRow(Code.NO_LICENCE, "No agent seat licence is available", _NO),
        ErrorRow(Code.STALE_SESSION, "Agent session is not the current one", _NO),
        ErrorRow(Code.TARGET_NOT_LOGGED_IN, "Target agent is not logged in", _NO),
        ErrorRow(Code.UNKNOWN_AGENT, "Unknown agent or place", _NO),
        ErrorRow(Code.INVITATION_REJECTED, "The invited agent has refused", _NO),
        ErrorRow(Code.INVITATION_EXPIRED, "The invited agent has not answered in time", _NO),
        ErrorRow(Code.INVITATION_OVER, "There is no such invitation, or not any more", _NO),
        ErrorRow(Code.ALREADY_A_PARTY, "The agent is a party of the interaction already", _NO),
        ErrorRow(Code.DO_NOT_DISTURB, "Target agent does not want to be disturbed", _NO),
        ErrorRow(Code.NOT_HANDLED, "No agent handles the interaction", _NO),
        ErrorRow(Code.UNKNOWN_SNAPSHOT, "Unknown snapshot", _NO),
        ErrorRow(Code.TOO_MANY_SNAPSHOTS, "Too many snapshots", _NO),
        ErrorRow(Code.NOT_IN_SNAPSHOT, "Interaction is not in the snapshot", _NO),
        ErrorRow(Code.CHANGED_SINCE, "Interaction has changed since the snapshot", _NO),
        ErrorRow(Code.NOT_SUBSCRIBED, "Client is not subscribed to this", _NO),
        ErrorRow(Code.LIMIT_REACHED, "A configured limit is reached", _NO),
        ErrorRow(Code.SERVICE_UNKNOWN, "No such external server is configured", _NO),
        ErrorRow(Code.SERVICE_NOT_CONNECTED, "No such external server is connected", _NO),
        ErrorRow(Code.SERVICE_QUEUE_FULL, "Too many calls wait for the external server", _NO),
        ErrorRow(Code.SERVICE_TIMED_OUT, "The external server has not answered in time", _MAYBE),
        ErrorRow(Code.SERVICE_LOST, "Lost the external server that was called", _MAYBE),
        ErrorRow(Code.INTERNAL, "Internal error", _MAYBE),
    )
}


def describe(code: int) -> str:
    """The public text of `code`; an unknown code is named as such."""
    row = ERRORS.get(code)
    return row.text if row else f"Error {code}"


def in_doubt(code: int) -> bool:
    """Whether the effect of a request answered with `code` is unknown."""
    row = ERRORS.get(code)
    return row is not None and row.outcome is Outcome.IN_DOUBT


class IxproxyError(Exception):
    """The root of everything this package raises on purpose."""


class ProtocolError(IxproxyError):
    """A rule of the wire was broken; raised only as one of its two kinds."""


class LocalProtocolError(ProtocolError):
    """We broke the protocol ourselves: a bug on this side."""


class RemoteProtocolError(ProtocolError):
    """
    The peer broke the protocol.

    :ivar code: the public code to answer with.
    :ivar description: names the field and what is wrong with it.
    :ivar fatal: the stream cannot be read further; answer, then close.
    """

    def __init__(self, code: int, description: str, *, fatal: bool = False) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description
        self.fatal = fatal


class RequestRefused(IxproxyError):
    """
    A well-formed request whose answer is no.

    :ivar code: a key of `ERRORS`, or a code that a newer server knows.
    :ivar description: what is wrong, for a person.
    :ivar in_doubt: the request may have been carried out all the same.
    """

    def __init__(self, code: int, description: str = "", *, in_doubt: bool | None = None) -> None:
        self.code = code
        self.description = description or describe(code)
        row = ERRORS.get(code)
        known = row is not None and row.outcome is Outcome.IN_DOUBT
        self.in_doubt = known if in_doubt is None else in_doubt
        super().__init__(f"{code}: {self.description}")


class NodeUnavailable(IxproxyError):
    """Nobody could be asked, or nobody answered in time."""


class StorageError(IxproxyError):
    """The store failed; the transaction in hand did not happen."""


class StoreUnreachable(StorageError):
    """Nobody is there to ask now; later there may be."""


class CommitUncertain(StorageError):
    """A commit failed in a way that leaves its outcome unknown."""


class LeaseLost(StorageError):
    """Another server has begun a newer lease on the same database."""


class ConfigProblem(NamedTuple):
    """
    One mistake in a deployment file.

    `table` is the dotted table name, `key` the key in it (or ""), `line` is
    counted from 1 (0: not known).
    """

    table: str
    key: str
    text: str
    line: int = 0

    def __str__(self) -> str:
        place = f"[{self.table}]" if self.table else "(file)"
        if self.key:
            place += f" {self.key}"
        if self.line:
            place = f"line {self.line}: {place}"
        return f"{place}: {self.text}"


class ConfigError(IxproxyError):
    """Every mistake found in a configuration, in one report."""

    def __init__(self, problems: Sequence[ConfigProblem] | str) -> None:
        if isinstance(problems, str):
            # What is wrong with more than a place in the file names that by itself.
            self.problems: tuple[ConfigProblem, ...] = (ConfigProblem("", "", problems),)
            super().__init__(problems)
            return
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class PluginError(ConfigError):
    """A plug-in is unknown, named twice, or does not keep its interface."""
