"""
Typed messages to frames and back, by the names table.

A body is decoded straight into its message class, then the routing attributes
are set from the prefix; encoding goes the other way round. What is unknown is
skipped, what is known is checked here and nowhere behind: types, ranges,
prefix and body kept apart, key-value lists that a store can take.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, get_type_hints

import msgspec
from msgspec.structs import force_setattr, replace

from ixproxy.errors import Code, LocalProtocolError, RemoteProtocolError, describe, in_doubt
from ixproxy.messages import EventError, KeyValues
from ixproxy.messages.message import Message
from ixproxy.wire.keyvalues import SCALARS, check_key_values
from ixproxy.wire.names import BY_MESSAGE, Kind, NameRow
from ixproxy.wire.prefix import Flag, Frame, write_frame

_encoder = msgspec.msgpack.Encoder()
_map_decoder = msgspec.msgpack.Decoder(dict[str, Any])
_outline_decoder = msgspec.msgpack.Decoder(dict[str, msgspec.Raw])
_any_decoder = msgspec.msgpack.Decoder()
encode_map: Callable[[Any], bytes] = _encoder.encode

_BAD_BODY = (msgspec.DecodeError, ValueError, RecursionError)
_UNENCODABLE = (ValueError, TypeError, OverflowError, AttributeError, RecursionError)
MAX_DESCRIPTION = 1000
"""Characters of an error's text: it names what a peer sent, which may be as long as a frame."""

_COMPRESSED = int(Flag.COMPRESSED)
_UINT64, _MAP16 = 0xCF, 0xDE

# A reply may be sent as an event and the other way round (EventRouteUsed is both), but a request
# is never anything else, and an error is known by its kind where bodies are not decoded.
_KINDS = {
    Kind.REQUEST: (Kind.REQUEST,),
    Kind.ERROR: (Kind.ERROR,),
    Kind.REPLY: (Kind.REPLY, Kind.EVENT),
    Kind.EVENT: (Kind.REPLY, Kind.EVENT),
}


class _Plan(NamedTuple):
    """How one message class is laid out: computed once from its row."""

    row: NameRow
    decoder: msgspec.msgpack.Decoder[Message]
    kinds: tuple[int, ...]
    carried: tuple[tuple[str, str, str], ...]
    """Field, attribute of Frame and wire name of what stands in the prefix."""
    blank: dict[str, Any]
    """The same fields as they are when the prefix leaves them out."""
    open: tuple[tuple[str, str], ...]
    """Field and wire name of key-value lists that anybody may fill."""


def _plan(row: NameRow) -> _Plan:
    fields = {field.name: field for field in msgspec.structs.fields(row.message)}
    slots = {
        "tenant_id" if row.tenant else "": "tenant",
        row.media: "media",
        row.interaction: "interaction",
        row.agent: "agent",
        row.queue: "queue",
    }
    slots.pop("", None)
    carried = tuple((name, slot, fields[name].encode_name) for name, slot in slots.items())
    # Answers come from servers, and may be long; what clients fill is checked.
    hints = {} if row.kind is Kind.REPLY else get_type_hints(row.message)
    return _Plan(
        row=row,
        decoder=msgspec.msgpack.Decoder(row.message),
        kinds=tuple(map(int, _KINDS[row.kind])),
        carried=carried,
        blank={name: fields[name].default for name in slots},
        open=tuple((name, fields[name].encode_name) for name in hints if hints[name] == KeyValues),
    )


_PLANS: dict[type[Message], _Plan] = {row.message: _plan(row) for row in BY_MESSAGE.values()}
_PLANS_BY_CODE: dict[int, _Plan] = {plan.row.code: plan for plan in _PLANS.values()}


def encode(
    message: Message,
    *,
    client: int = 0,
    reference: int = 0,
    ttl: int = 0,
    flags: int = 0,
    kind: int = 0,
) -> bytes:
    """
    One frame for `message`.

    :param ttl: milliseconds; 0 for the server's default.
    :param kind: another kind than the names table has for it; 0: that one.
    :raise LocalProtocolError: a routing attribute exceeds 255 bytes, an
        attribute cannot be encoded, or the class has no row in the table.
    """
    plan = _PLANS.get(type(message))
    if plan is None:
        raise LocalProtocolError(f"{type(message).__name__} has no row in the names table")
    row = plan.row
    if kind and kind not in plan.kinds:
        raise LocalProtocolError(f"{row.name} cannot be of kind {kind}")
    try:
        body = _encoder.encode(replace(message, **plan.blank) if plan.blank else message)
        if body[0] == _MAP16 and not body[1] and body[2] < 16:
            # The encoder leaves room for all attributes that a long class has.
            body = bytes((0x80 | body[2],)) + body[3:]
        return write_frame(
            kind or row.kind,
            row.code,
            client=client,
            reference=reference,
            tenant=getattr(message, "tenant_id", 0) if row.tenant else 0,
            ttl=ttl,
            flags=flags,
            media=getattr(message, row.media).encode() if row.media else b"",
            interaction=getattr(message, row.interaction).encode() if row.interaction else b"",
            agent=getattr(message, row.agent).encode() if row.agent else b"",
            queue=getattr(message, row.queue).encode() if row.queue else b"",
            body=body,
        )
    except _UNENCODABLE as problem:
        raise LocalProtocolError(f"{row.name}: {problem}") from problem


def decode_map(frame: Frame) -> dict[str, Any]:
    """
    The body as it is, names untouched.

    :raise RemoteProtocolError: it is not one MessagePack map with string keys.
    """
    try:
        return _map_decoder.decode(frame.body)
    except _BAD_BODY as problem:
        raise RemoteProtocolError(Code.BAD_FRAME, f"body: {problem}") from problem


def decode(frame: Frame) -> Message:
    """
    The typed message in `frame`; attributes that this version does not know
    are left out.

    :raise RemoteProtocolError: an unknown message, another kind than it may
        have, a body that is compressed or no map (BAD_FRAME); an attribute of
        a wrong type or out of range, a required one missing, a routing
        attribute in the body (BAD_ATTRIBUTE). The attribute is named.
    """
    plan = _PLANS_BY_CODE.get(frame.name)
    if plan is None:
        raise RemoteProtocolError(Code.BAD_FRAME, f"name {frame.name} is not known")
    row, decoder, kinds, carried, _, open_fields = plan
    if frame.kind not in kinds:
        allowed = " or ".join(map(str, kinds))
        raise RemoteProtocolError(
            Code.BAD_FRAME, f"kind is {frame.kind}, {row.name} is of kind {allowed}"
        )
    if frame.flags & _COMPRESSED:
        raise RemoteProtocolError(Code.BAD_FRAME, "body is compressed, which was not registered")
    try:
        message = decoder.decode(frame.body)
    except _BAD_BODY as problem:
        raise _problem(row, frame, problem) from problem
    for field, slot, wire_name in carried:
        if getattr(message, field):
            raise RemoteProtocolError(
                Code.BAD_ATTRIBUTE, f"{wire_name} belongs into the prefix of {row.name}"
            )
        if value := getattr(frame, slot):
            force_setattr(message, field, value)
    if open_fields:
        thorough = _UINT64 in frame.raw
        for field, wire_name in open_fields:
            values = getattr(message, field)
            if values and (thorough or not SCALARS.issuperset(map(type, values.values()))):
                check_key_values(values, f"{row.name}: {wire_name}")
    return message


def _problem(row: NameRow, frame: Frame, problem: Exception) -> RemoteProtocolError:
    """What to say of a body that could not be decoded into its message."""
    try:
        outline = _outline_decoder.decode(frame.body)
    except _BAD_BODY as broken:
        return RemoteProtocolError(Code.BAD_FRAME, f"body of {row.name}: {broken}")
    if not isinstance(problem, msgspec.ValidationError):
        for name, value in outline.items():
            try:
                _any_decoder.decode(value)
            except _BAD_BODY as broken:
                return RemoteProtocolError(Code.BAD_ATTRIBUTE, f"{row.name}: {name}: {broken}")
    return RemoteProtocolError(Code.BAD_ATTRIBUTE, f"{row.name}: {problem}")


def missing_attribute(frame: Frame) -> str:
    """
    The wire name of a required routing attribute that `frame` lacks, or "".

    :raise RemoteProtocolError: the message is not known.
    """
    plan = _PLANS_BY_CODE.get(frame.name)
    if plan is None:
        raise RemoteProtocolError(Code.BAD_FRAME, f"name {frame.name} is not known")
    required = plan.row.required
    for field, slot, wire_name in plan.carried:
        if field in required and not getattr(frame, slot):
            return wire_name
    return ""


def error_frame(
    code: int,
    description: str = "",
    *,
    client: int = 0,
    reference: int = 0,
    interaction_id: str = "",
    doubtful: bool | None = None,
) -> bytes:
    """An error reply; its text and its doubt default to the public table's."""
    if len(description) > MAX_DESCRIPTION:
        description = f"{description[: MAX_DESCRIPTION - 1]}…"
    return encode(
        EventError(
            interaction_id=interaction_id,
            error_code=code,
            error_description=description or describe(code),
            in_doubt=in_doubt(code) if doubtful is None else doubtful,
        ),
        client=client,
        reference=reference,
    )
