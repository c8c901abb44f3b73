"""
The node's own service: `FindInteractions`, as strategies call it.

Its parameters are `Condition` and `Order`, as views have them, `Limit`, and
`MediaType`, `InteractionId` and `TenantId`, each of which may be left out. The
response has `Interactions` (id to properties), `HaveMore` (0 or 1) and `Count`. What
is wrong is a fault, whose codes are the failures that the field documents.
"""

from __future__ import annotations

from typing import Any

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import Event3rdServerFault, EventInteractionsFound, Request3rdServer
from ixproxy.messages import RequestFindInteractions as Find
from ixproxy.messages.message import KeyValues
from ixproxy.node.reading import find
from ixproxy.node.turn import Turn
from ixproxy.node.work import LongRead, ReadLong, Sender, Token

METHOD = "FindInteractions"

INVALID_REQUEST = "InvalidRequestData"
MISSING_ID = "MissingInteractionId"
INVALID_TYPE = "InvalidType"
UNKNOWN_TENANT = "UnknownTenant"
DATABASE_FAILURE = "DatabaseFailure"
INVALID_CONDITION = "InvalidCondition"

FAULTS: dict[int, str] = {
    Code.UNKNOWN_TENANT: UNKNOWN_TENANT,
    Code.NOT_ALLOWED: UNKNOWN_TENANT,
    Code.INVALID_CONDITION: INVALID_CONDITION,
    Code.UNKNOWN_MEDIA_TYPE: INVALID_REQUEST,
    Code.STORE_FAILED: DATABASE_FAILURE,
}
"""What a find is refused with, as a fault."""

_TEXTS = ("Condition", "Order", "MediaType", "InteractionId")
_NUMBERS = ("Limit", "TenantId")
ECHOED = ("AppName", "AppType", "Service", "Method", "Version")
"""What answers repeat of the envelope that they answer."""


class _Wrong(Exception):
    """A parameter is wrong: the code of the fault, and a text."""


def find_by_call(
    turn: Turn, sender: Sender, request: Request3rdServer, token: Token
) -> ReadLong | Event3rdServerFault:
    """Finds interactions for a call; whatever is wrong is a fault."""
    envelope = request.envelope3rd_server
    try:
        wanted = _find_of(request)
        plan = find(turn, sender, wanted, token).plan
        assert isinstance(plan, LongRead)
    except _Wrong as wrong:
        return fault(envelope, *wrong.args)
    except RequestRefused as refusal:
        code = FAULTS.get(refusal.code, INVALID_REQUEST)
        return fault(envelope, code, refusal.description)
    read = LongRead(
        plan.selection, EventInteractionsFound, plan.limit, plan.now, envelope=echo(envelope)
    )
    return ReadLong(token, sender, read)


def fault(envelope: KeyValues, code: str, text: str) -> Event3rdServerFault:
    """The answer that says what is wrong."""
    said = {**echo(envelope), "FaultCode": code, "FaultString": text}
    return Event3rdServerFault(fault_code=code, fault_string=text, envelope3rd_server=said)


def echo(envelope: KeyValues) -> KeyValues:
    """What of an envelope goes back to its sender."""
    return {key: envelope[key] for key in ECHOED if isinstance(envelope.get(key), str)}


def _find_of(request: Request3rdServer) -> Find:
    envelope = request.envelope3rd_server
    if envelope.get("Method") != METHOD:
        raise _Wrong(INVALID_REQUEST, f"Method: expected {METHOD}, the one that there is here")
    parameters = envelope.get("Parameters", {})
    if not isinstance(parameters, dict):
        raise _Wrong(INVALID_REQUEST, "Parameters: expected a key-value list")
    for key in parameters:
        if key not in (*_TEXTS, *_NUMBERS):
            known = ", ".join((*_TEXTS, *_NUMBERS))
            raise _Wrong(INVALID_REQUEST, f"Parameters[{key!r}]: expected {known}")
    texts = {key: _text(parameters, key) for key in _TEXTS}
    condition = texts["Condition"]
    if "InteractionId" in parameters:
        if not texts["InteractionId"]:
            raise _Wrong(MISSING_ID, "Parameters['InteractionId'] is empty")
        quoted = texts["InteractionId"].replace("'", "''")
        only = f"InteractionId = '{quoted}'"
        condition = f"({condition}) AND {only}" if condition else only
    return Find(
        tenant_id=_number(parameters, "TenantId") or request.tenant_id,
        media_type=texts["MediaType"] or request.media_type,
        condition=condition,
        order=texts["Order"],
        number_of_interactions=_number(parameters, "Limit"),
    )


def _text(parameters: KeyValues, key: str) -> str:
    value: Any = parameters.get(key, "")
    if not isinstance(value, str):
        raise _Wrong(INVALID_TYPE, f"Parameters[{key!r}]: expected a text")
    return value


def _number(parameters: KeyValues, key: str) -> int:
    """A whole number; strategies often have them as texts."""
    value: Any = parameters.get(key, 0)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 11:
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 32:
        raise _Wrong(INVALID_TYPE, f"Parameters[{key!r}]: expected a whole number")
    return value
