"""
What capture points hand in and what they are told: frozen values.

A *document* is what a source gave at once: a file, a message, a row, a call. It
holds *operations*. A node runs all of a document in one transaction, together
with the replies to its operations and the receipt of the document, so whatever
breaks, and however often the source gives it again, nothing of it is done by
halves or twice.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import msgspec

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages.message import KeyValues

NAME = "document"
"""Of a document's correlation: how its source calls it."""

MAX_RECEIPT = 500
"""Characters of a receipt."""

DOCUMENT_SIZE = 1 << 20
"""Bytes that a document may have, where its capture point's `max-document-size` does not say."""

_LATER = frozenset({Code.BUSY, Code.STOPPING, Code.STORE_FAILED, Code.EVENT_LOG_FULL})


def comes_again(refusal: RequestRefused) -> bool:
    """
    Whether a document that was refused should be given again, some seconds later.

    False: it never will be taken, and belongs into the error place.
    """
    return refusal.in_doubt or refusal.code in _LATER


class Verb(Enum):
    """What a document may ask for; the names of the field's native XML, but for PING."""

    SUBMIT = "submit"
    UPDATE = "update"
    HOLD = "hold"
    RESUME = "resume"
    STOP = "stop"
    GETINFO = "getinfo"
    PING = "ping"


class Said(Enum):
    """What a capture point is told, as a reply or unsolicited."""

    SUBMITTED = "submitted"
    CHANGED = "changed"
    STOPPED = "stopped"
    HELD = "held"
    RESUMED = "resumed"
    INFO = "info"
    PONG = "pong"
    ERROR = "error"
    PLACED_IN_QUEUE = "placed-in-queue"
    PLACED_IN_WORKBIN = "placed-in-workbin"
    ROUTE_REQUESTED = "route-requested"
    ASSIGNED = "assigned"


class Problem(msgspec.Struct, frozen=True):
    """
    Why an operation, or a whole document, is not done.

    :ivar code: one of `ixproxy.errors.Code`, 1 or greater.
    :ivar description: what is wrong, and where.
    """

    code: int
    description: str


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """
    One thing that is asked for.

    :ivar interaction_id: and `external_id`: whom it is about; "": not said. Of a
        submit: what it is to have. Where both are given the first addresses.
    :ivar properties: by the names of the field ("Queue", "MediaType", "Priority");
        what is no known property is user data. Values: str, int, and dict for a
        list of keys and values.
    :ivar user_data: what is user data whatever its name.
    :ivar deleted: names of properties that an update removes.
    :ivar hold: of a submit: it comes on hold.
    :ivar reason: of hold, resume and stop: system name and description.
    :ivar problem: what the reader of the document found wrong with it: it is
        not tried, and answered with that.
    """

    verb: Verb
    interaction_id: str = ""
    external_id: str = ""
    properties: KeyValues = {}
    user_data: KeyValues = {}
    deleted: tuple[str, ...] = ()
    hold: bool = False
    reason: tuple[str, str] = ("", "")
    problem: Problem | None = None


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """
    What a source gave at once.

    :ivar receipt: the source's own name of it, the same whenever it is given
        again; "": it has none, so nobody can tell whether it was here before.
        At most 500 characters.
    :ivar correlation: what the capture point wants to find again at each reply,
        such as the name of a message and where to send replies to. What stands
        there under `NAME` names the document in its replies.
    :ivar replies: whether its operations are replied to by notifications; not
        where the source waits for the result, as at a web service.
    :ivar problem: why nothing of it can be done. Unless its receipt is known,
        that is replied, once for all of it, and its receipt is not kept: it may
        be given again when whatever was wrong is mended.
    """

    operations: tuple[Operation, ...] = ()
    receipt: str = ""
    correlation: dict[str, str] = {}
    replies: bool = True
    problem: Problem | None = None


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """
    What became of one operation.

    :ivar problem: None: it is done.
    :ivar properties: of GETINFO: all of the interaction, as in a Notification;
        of PING: statistics.
    """

    verb: Verb
    interaction_id: str = ""
    external_id: str = ""
    problem: Problem | None = None
    properties: KeyValues = {}


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """
    A document is durable: its source may forget it.

    :ivar results: in the order of its operations; of a repeated one that was here
        longer ago than results are kept: empty.
    :ivar repeated: its receipt was known: nothing was done this time.
    :ivar problem: that of the document: nothing was done, now or before.
    """

    results: tuple[Result, ...] = ()
    repeated: bool = False
    problem: Problem | None = None


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """
    One thing that a capture point is told, from the outbox of its node.

    :ivar number: the event's; unique on its node, greater is later. One that is
        told again after a crash has the same.
    :ivar dbid: of the node.
    :ivar at: seconds since the epoch, UTC.
    :ivar reply: it answers an operation of a document; else somebody else did it.
    :ivar correlation: that of the document.
    :ivar properties: all that the interaction has, by the field's names.
    :ivar changed: and `deleted`: only where said is CHANGED.
    :ivar actor: who did it: type ("agent", "router", "media-server", "") and name.
    :ivar place: the queue or workbin that it came to, where it came to one.
    :ivar extra: of ASSIGNED: PartyAgentId and PartyPlaceId, the agent who has it
        now; of ROUTE_REQUESTED: PartyStrategyId; of a reply to what was done
        before, by its external id: Repeated, 1; of ERROR: Verb, what was asked for; of a
        reply to a document that has a name: Document, that name, and Operation, which of
        its operations, from 1, unless nothing of it can be done.
    """

    said: Said
    number: int
    dbid: int
    at: float
    reply: bool = False
    interaction_id: str = ""
    external_id: str = ""
    properties: KeyValues = {}
    changed: KeyValues = {}
    deleted: tuple[str, ...] = ()
    reason: tuple[str, str] = ("", "")
    problem: Problem | None = None
    correlation: dict[str, str] = {}
    actor: tuple[str, str] = ("", "")
    place: str = ""
    extra: dict[str, Any] = {}


class DocumentGiven(msgspec.Struct, frozen=True):
    """
    Work: have a document done. It gets exactly one of DocumentDone and DocumentRefused.

    :ivar point: the name of the capture point.
    :ivar token: whatever the server must know to answer; returned untouched.
    :ivar statistics: by the name of each capture point, what the server knows of it; only
        where the document has a PING.
    """

    point: str
    document: Document
    token: Any = None
    statistics: dict[str, KeyValues] = {}

    def __repr__(self) -> str:
        return f"DocumentGiven({self.point!r})"


class ShipOutbox(msgspec.Struct, frozen=True):
    """
    Work: read the next notifications of a capture point. It gets exactly one Shipment.

    :ivar told: the numbers of those that were told: they are deleted.
    :ivar limit: read so many at most.
    :ivar forget: what is read is deleted, too, so that it is not told twice; but no reply.
    :ivar token: as of DocumentGiven.
    """

    point: str
    limit: int
    told: tuple[int, ...] = ()
    forget: bool = False
    token: Any = None

    def __repr__(self) -> str:
        return f"ShipOutbox({self.point!r}, {self.limit})"


class DocumentDone(msgspec.Struct, frozen=True):
    """Effect: a document is durable."""

    token: Any
    taken: Taken


class DocumentRefused(msgspec.Struct, frozen=True):
    """Effect: nothing of a document was done, or nobody knows."""

    token: Any
    code: int
    description: str
    in_doubt: bool


class Shipment(msgspec.Struct, frozen=True):
    """
    Effect: the next notifications of a capture point, oldest first.

    :ivar bodies: each as it was stored, by its number.
    :ivar left: how many are in the outbox, these counted in unless they are forgotten.
    :ivar forgotten: the numbers of those that are deleted by now.
    :ivar failed: they could not be read, nor deleted.
    """

    point: str
    bodies: dict[int, bytes] = {}
    left: int = 0
    forgotten: frozenset[int] = frozenset()
    failed: bool = False
    token: Any = None

    def __repr__(self) -> str:
        return f"Shipment({self.point!r}, {len(self.bodies)} of {self.left})"


class OutboxGrew(msgspec.Struct, frozen=True):
    """Effect: there is something new to tell a capture point."""

    point: str


class NoticeDropped(msgspec.Struct, frozen=True):
    """Effect: a capture point is not told of something, for its outbox is full."""

    point: str


IntakeWork = DocumentGiven | ShipOutbox
IntakeEffect = DocumentDone | DocumentRefused | Shipment | OutboxGrew | NoticeDropped
