"""
The iWD-compatible web service in tables: its operations, and what a task's attributes are.

The names of operations, the ignored elements and the form of answers are the
field's. Where it prints no more than that, what stands here is read by name and
in any order, so that callers made for the original get along.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from ixproxy.node.intake_work import Verb

NAMESPACE = "http://webservice.capture.gtl.evo"
FAULT_NAMESPACE = "http://webservices.evo"
TASK_NAMESPACE = "http://taskinfo.gtl.evo"
BROKER_NAMESPACE = "http://broker.gtl.evo"
EVO_NAMESPACE = "http://evo"


class Kind(Enum):
    """The types of arguments, as the WSDL calls them."""

    TEXT = "xsd:string"
    WHOLE = "xsd:int"
    FLAG = "xsd:boolean"
    TIME = "xsd:dateTime"
    MAP = "iwd:string2stringMap"


class Use(Enum):
    """What becomes of an argument."""

    TASK_ID = "interaction id"
    CAPTURE_ID = "external id"
    IGNORED = "nothing"
    REASON = "system name of the reason"
    HOLD = "it comes on hold"
    PROPERTY = "a property"
    MAPPED = "a property each"


class Argument(NamedTuple):
    """
    One argument.

    :ivar key: of a PROPERTY its name; of MAPPED what stands before the names.
    """

    name: str
    use: Use
    kind: Kind = Kind.TEXT
    key: str = ""


class Move(Enum):
    """Which queue an update moves a task to; each is an option of that name."""

    COMPLETE = "CompleteQueues"
    CANCEL = "CancelQueues"
    RESTART = "RestartQueues"


class Task(NamedTuple):
    """
    One operation.

    :ivar move: it is an update that moves there.
    """

    verb: Verb
    arguments: tuple[Argument, ...]
    move: Move | None = None


def _stamp(name: str) -> Argument:
    return Argument(name, Use.PROPERTY, Kind.TIME, f"IWD_{name}")


_ACTOR = Argument("actor", Use.IGNORED)
_REASON = Argument("reason", Use.REASON)
_NO_REASON = Argument("reason", Use.IGNORED)

_ATTRIBUTES = (
    Argument("category", Use.PROPERTY, key="IWD_category"),
    Argument("channel", Use.PROPERTY, key="IWD_channel"),
    Argument("priority", Use.PROPERTY, Kind.WHOLE, "Priority"),
    Argument("businessValue", Use.PROPERTY, Kind.WHOLE, "IWD_businessValue"),
    Argument("processId", Use.PROPERTY, key="IWD_processId"),
    _stamp("createdDateTime"),
    _stamp("activationDateTime"),
    _stamp("dueDateTime"),
    _stamp("expirationDateTime"),
    Argument("ext", Use.MAPPED, Kind.MAP, "IWD_ext_"),
    Argument("data", Use.MAPPED, Kind.MAP),
)
"""What can be set; `data` may have names of properties, such as MediaType and Queue."""

_CREATE = (
    Argument("captureId", Use.CAPTURE_ID),
    _ACTOR,
    _NO_REASON,
    Argument("mediaType", Use.IGNORED),
    Argument("hold", Use.HOLD, Kind.FLAG),
    *_ATTRIBUTES,
)

_VERBS: Mapping[str, Task] = {
    "cancel": Task(Verb.UPDATE, (_ACTOR, _NO_REASON), Move.CANCEL),
    "complete": Task(
        Verb.UPDATE,
        (_ACTOR, _NO_REASON, Argument("completeDateTime", Use.IGNORED, Kind.TIME)),
        Move.COMPLETE,
    ),
    "get": Task(Verb.GETINFO, (_ACTOR,)),
    "hold": Task(Verb.HOLD, (_ACTOR, _REASON)),
    "restart": Task(
        Verb.UPDATE, (_ACTOR, _NO_REASON, Argument("hold", Use.IGNORED, Kind.FLAG)), Move.RESTART
    ),
    "resume": Task(Verb.RESUME, (_ACTOR, _REASON)),
    "update": Task(
        Verb.UPDATE, (_ACTOR, _NO_REASON, Argument("mediaType", Use.IGNORED), *_ATTRIBUTES)
    ),
}

_WHOM = {
    "TaskId": Argument("taskId", Use.TASK_ID),
    "CaptureId": Argument("captureId", Use.CAPTURE_ID),
}

TASKS: Mapping[str, Task] = {
    "createTask": Task(Verb.SUBMIT, _CREATE),
    **{
        f"{name}TaskBy{whom}": task._replace(arguments=(argument, *task.arguments))
        for name, task in _VERBS.items()
        for whom, argument in _WHOM.items()
    },
    "ping": Task(Verb.PING, ()),
}

CAPTURE_POINT_KEY = "IWD_capturePointId"
"""Where a task keeps the name of the capture point that it came by."""

TASK_FIELDS: Mapping[str, tuple[str, Kind]] = {
    "interactionId": ("InteractionId", Kind.TEXT),
    "captureId": ("ExternalId", Kind.TEXT),
    "tenantId": ("TenantId", Kind.TEXT),
    "mediaType": ("MediaType", Kind.TEXT),
    "queue": ("Queue", Kind.TEXT),
    "assignedToUser": ("AssignedTo", Kind.TEXT),
    "assignedDateTime": ("AssignedAt", Kind.TIME),
    "completedDateTime": ("CompletedAt", Kind.TIME),
    "heldDateTime": ("HeldAt", Kind.TIME),
    **{
        argument.name: (argument.key, argument.kind)
        for argument in _ATTRIBUTES
        if argument.use is Use.PROPERTY
    },
}
"""Elements of a task's description: the property that each shows, and its type."""
