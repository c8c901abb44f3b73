"""Typed messages to frames and back, by the names table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from ixproxy.errors import Code, LocalProtocolError, RemoteProtocolError, describe, in_doubt
from ixproxy.messages import EventError
from ixproxy.messages.message import Message
from ixproxy.wire.names import BY_CODE, BY_MESSAGE, NameRow
from ixproxy.wire.prefix import Frame, write_frame

_encoder = msgspec.msgpack.Encoder()
_map_decoder = msgspec.msgpack.Decoder(dict[str, Any])
encode_map: Callable[[Any], bytes] = _encoder.encode


class _Plan(NamedTuple):
    """How one message class is laid out: computed once from its row."""

    row: NameRow
    body: tuple[tuple[str, str, Any, bool], ...]
    """Field, wire name, default (or a factory), and whether it is required."""
    carried: tuple[tuple[str, str], ...]
    """Field and wire name of what stands in the prefix, tenant excluded."""


def _plan(row: NameRow) -> _Plan:
    strings = (row.media, row.interaction, row.agent, row.queue)
    body = []
    for field in msgspec.structs.fields(row.message):
        if field.name == "tenant_id" or field.name in strings:
            continue
        default = field.default
        if field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        body.append((field.name, field.encode_name, default, default is msgspec.NODEFAULT))
    names = dict(
        zip(row.message.__struct_fields__, row.message.__struct_encode_fields__, strict=True)
    )
    carried = tuple((name, names[name]) for name in strings if name)
    return _Plan(row, tuple(body), carried)


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
    :raise LocalProtocolError: a routing attribute exceeds 255 bytes, or an
        attribute cannot be encoded.
    """
    plan = _PLANS[type(message)]
    row = plan.row
    body = {}
    for field, name, default, _ in plan.body:
        value = getattr(message, field)
        if value != default:
            body[name] = value
    try:
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
            body=_encoder.encode(body),
        )
    except (ValueError, TypeError, OverflowError, AttributeError) as problem:
        raise LocalProtocolError(f"{row.name}: {problem}") from problem
    except Exception as problem:
        # struct.error has no narrower public root than Exception.
        raise LocalProtocolError(f"{row.name}: {problem}") from problem


def decode_map(frame: Frame) -> dict[str, Any]:
    """
    The body as it is, names untouched.

    :raise RemoteProtocolError: it is not one MessagePack map with string keys.
    """
    try:
        return _map_decoder.decode(frame.body)
    except (msgspec.DecodeError, ValueError, RecursionError) as problem:
        raise RemoteProtocolError(Code.BAD_FRAME, f"body: {problem}") from problem


def decode(frame: Frame) -> Message:
    """
    The typed message in `frame`; attributes that this version does not know
    are left out.

    :raise RemoteProtocolError: an unknown message, a body that is no map, an
        attribute of a wrong type (each named), or a required one missing.
    """
    plan = _PLANS_BY_CODE.get(frame.name)
    if plan is None:
        raise RemoteProtocolError(Code.BAD_FRAME, f"name {frame.name} is not known")
    row = plan.row
    attributes = decode_map(frame)
    for _, wire_name in plan.carried:
        if wire_name in attributes:
            raise RemoteProtocolError(
                Code.BAD_ATTRIBUTE, f"{wire_name} belongs into the prefix of {row.name}"
            )
    if row.tenant:
        attributes["TenantId"] = frame.tenant
    strings = {
        row.media: frame.media,
        row.interaction: frame.interaction,
        row.agent: frame.agent,
        row.queue: frame.queue,
    }
    for field, wire_name in plan.carried:
        attributes[wire_name] = strings[field]
    try:
        message = msgspec.convert(attributes, row.message)
    except msgspec.ValidationError as problem:
        raise RemoteProtocolError(Code.BAD_ATTRIBUTE, f"{row.name}: {problem}") from problem
    except RecursionError as problem:
        raise RemoteProtocolError(Code.BAD_FRAME, "body is nested too deeply") from problem
    return message


def missing_attribute(frame: Frame) -> str:
    """The wire name of a required routing attribute that `frame` lacks, or ""."""
    row = BY_CODE[frame.name]
    for name in row.required:
        value: object
        if name == "tenant_id":
            value, wire_name = frame.tenant, "TenantId"
        else:
            value, wire_name = _carried_value(frame, row, name)
        if not value:
            return wire_name
    return ""


def _carried_value(frame: Frame, row: NameRow, name: str) -> tuple[str, str]:
    wire_name = dict(_PLANS_BY_CODE[row.code].carried)[name]
    value = {
        row.media: frame.media,
        row.interaction: frame.interaction,
        row.agent: frame.agent,
        row.queue: frame.queue,
    }[name]
    return value, wire_name


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
