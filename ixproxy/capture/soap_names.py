"""
The native web service in tables: its operations and what they take and give.

Names, order and types are the field's, so that programs made for its WSDL go on
working: Axis makes arguments of them in this order.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from ixproxy.node.intake_work import Verb

NAMESPACE = "http://www.genesyslab.com/interaction"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
ENVELOPE_12 = "http://www.w3.org/2003/05/soap-envelope"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"


class Kind(Enum):
    """The types of fields, as the WSDL calls them."""

    TEXT = "xsd:string"
    WHOLE = "xsd:int"
    FLAG = "xsd:boolean"
    LIST = "ixn:KVList"


class Field(NamedTuple):
    """One child of an operation's or a response's element; none must be there."""

    name: str
    kind: Kind = Kind.TEXT

    @property
    def nillable(self) -> bool:
        """Whether the WSDL allows xsi:nil: flags have no such value."""
        return self.kind is not Kind.FLAG


class Shape(NamedTuple):
    """
    One operation.

    :ivar response: the element that answers it.
    :ivar faults: whether the WSDL declares a fault for it.
    """

    verb: Verb
    fields: tuple[Field, ...]
    response: str = "RequestResponse"
    faults: bool = True


_EXTENSION = Field("Extension", Kind.LIST)
_WHOM = (Field("InteractionId"), Field("ExternalId"))
_WITH_REASON = (*_WHOM, Field("ReasonSystemName"), Field("ReasonDescription"), _EXTENSION)

SUBMIT = (
    *_WHOM,
    Field("MediaType"),
    Field("InteractionType"),
    Field("InteractionSubtype"),
    Field("TenantId", Kind.WHOLE),
    Field("Queue"),
    Field("Workbin"),
    Field("WorkbinAgentId"),
    Field("WorkbinAgentGroupId"),
    Field("WorkbinPlaceId"),
    Field("WorkbinPlaceGroupId"),
    Field("ParentInteractionId"),
    Field("IsOnline", Kind.FLAG),
    Field("ReceivedAt"),
    Field("InQueues", Kind.LIST),
    Field("OutQueues", Kind.LIST),
    Field("UserData", Kind.LIST),
    Field("Hold", Kind.FLAG),
    _EXTENSION,
)

OPERATIONS: Mapping[str, Shape] = {
    "Submit": Shape(Verb.SUBMIT, SUBMIT),
    "Hold": Shape(Verb.HOLD, _WITH_REASON),
    "Stop": Shape(Verb.STOP, _WITH_REASON),
    "Resume": Shape(Verb.RESUME, _WITH_REASON),
    "Update": Shape(
        Verb.UPDATE,
        (
            *_WHOM,
            Field("Changed", Kind.LIST),
            Field("Deleted", Kind.LIST),
            Field("Queue"),
            _EXTENSION,
        ),
    ),
    "GetInfo": Shape(Verb.GETINFO, (*_WHOM, _EXTENSION), "GetInfoResponse"),
    "Ping": Shape(Verb.PING, (_EXTENSION,), "PingResponse", faults=False),
}

RESPONSES: Mapping[str, tuple[Field, ...]] = {
    "RequestResponse": (_EXTENSION,),
    "GetInfoResponse": (Field("InteractionProperties", Kind.LIST), _EXTENSION),
    "PingResponse": (
        Field("EventTime"),
        Field("UserData", Kind.LIST),
        Field("PingInfo", Kind.LIST),
        _EXTENSION,
    ),
}

ALIASES: Mapping[str, str] = {"InteractionSubType": "InteractionSubtype"}
"""Names in the field's prose that its WSDL spells otherwise."""

PROPERTIES: Mapping[str, str] = {
    field.name: field.name
    for field in SUBMIT
    if field.name not in ("InteractionId", "ExternalId", "UserData", "Hold", "Extension")
} | {"ParentInteractionId": "ParentId"}
"""Fields of Submit that are properties of the interaction, and how those are called."""

RECEIPT_KEY = "IdempotencyKey"
"""A key in Extension by which a client that sets no headers gives a receipt."""
