"""`doc/protocol.md`, made from the tables: `python -m ixproxy.cli.protocol_page`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from inspect import cleandoc
from itertools import pairwise
from typing import Any

import msgspec
from msgspec import inspect

from ixproxy.cli.exchanges import EXCHANGES, Step
from ixproxy.cli.frame_text import frame_record
from ixproxy.cli.output import json_line
from ixproxy.cli.protocol_attributes import ATTRIBUTES, EXTENSION_KEYS, STRUCTURE_ATTRIBUTES
from ixproxy.cli.protocol_text import TEXT
from ixproxy.core.pending import Deadline
from ixproxy.core.routing import OWNER_IF_NAMED, ROUTES, Route
from ixproxy.errors import ERRORS, Code
from ixproxy.messages import (
    CaptureStatus,
    ConfigurationFacts,
    Credentials,
    LimitUse,
    LinkStatus,
    LogStatus,
    Message,
    NodeStatus,
    ParkingStatus,
    ProcessFacts,
    ProxyStatus,
    QueueStatus,
    ReaderStatus,
    Reason,
    ServerFacts,
    Workbin,
    WriterStatus,
)
from ixproxy.messages.message import MAX_NAME, MAX_TEXT, Actor, Event, Party, Request
from ixproxy.messages.status import LONGEST
from ixproxy.values import ClientType, interaction_id
from ixproxy.wire.keyvalues import MAX_DEPTH
from ixproxy.wire.names import BY_NAME, ROWS, Holdings, Kind, NameRow, Subscription
from ixproxy.wire.prefix import DEFAULT_MAX_FRAME, MAGIC, MIN_LENGTH, SIZE, Flag
from ixproxy.wire.rights import ANYONE

LAYOUT = (
    (0, "u32", "length", f"bytes after this field: {MIN_LENGTH} to the receiver's maximum, "
     f"{DEFAULT_MAX_FRAME} unless it says otherwise"),
    (4, "u8", "magic", f"`{MAGIC:02X}`: magic and version 1"),
    (5, "u8", "kind", "see below"),
    (6, "u16", "name", "the message's number; 0 for cancel, ping and pong"),
    (8, "u32", "client", "the client's number on this connection; 0: the peer itself"),
    (12, "u32", "reference", "chosen by the requester, repeated in the answer; 0 in events"),
    (16, "u32", "tenant", "`TenantId`; 0: none"),
    (20, "u32", "ttl", "milliseconds left; 0: the server's default"),
    (24, "u8", "flags", "see below"),
    (25, "u8", "media length", ""),
    (26, "u8", "interaction length", ""),
    (27, "u8", "agent length", ""),
    (28, "u8", "queue length", ""),
    (29, "u8 + u16", "reserved", "0"),
    (SIZE, "bytes", "strings and body", "media, interaction, agent, queue, body"),
)  # fmt: skip

KINDS = {
    Kind.REQUEST: "client to server, and server to an external server",
    Kind.REPLY: "the answer to a request",
    Kind.ERROR: "the answer to a request: always EventError",
    Kind.EVENT: "something that happened; no answer",
    Kind.CANCEL: "nobody waits for this request any more",
    Kind.PING: "are you there?",
    Kind.PONG: "the answer to a ping",
}

FLAGS = {
    Flag.NO_REPLY: "no answer is wanted",
    Flag.TRACED: "`Extension.traceparent` names a trace",
    Flag.PARTIAL: "the answer lacks something",
    Flag.MORE: "more parts of this message follow",
    Flag.COMPRESSED: "the body is compressed as registered",
    Flag.RECEIPT: "the submit has a `SubmitReceipt`",
}

BAD_BYTES = (
    ("a length below 29", Code.BAD_FRAME, "skipped, answered"),
    ("a length above the receiver's maximum", Code.TOO_LARGE, "skipped as it comes, answered"),
    ("an unknown kind, strings that do not fit, or that are no UTF-8", Code.BAD_FRAME, "answered"),
    ("an unknown name, a name of another kind", Code.BAD_FRAME, "answered"),
    ("a body that is no map, or that ends too early or too late", Code.BAD_FRAME, "answered"),
    ("an attribute of a wrong type or out of range, named", Code.BAD_ATTRIBUTE, "answered"),
    ("a required routing attribute is missing", Code.MISSING_VALUE, "answered; by a proxy: 2003"),
    ("a reference that is in use", Code.BAD_FRAME, "answered"),
    ("a registration that cannot be", Code.INVALID_CLIENT, "answered, is disconnected"),
    ("another version in the fifth byte", Code.UNSUPPORTED_VERSION, "answered, closed"),
    ("another fifth byte altogether", Code.BAD_FRAME, "closed"),
)

STRUCTURES: tuple[type[Any], ...] = (
    *(Reason, Workbin, Actor, Party, Credentials, ServerFacts),
    *(ConfigurationFacts, LimitUse, LinkStatus, NodeStatus, ParkingStatus),
    *(ProcessFacts, ProxyStatus),
    *(QueueStatus, ReaderStatus, WriterStatus, CaptureStatus, LogStatus),
)

_COMMON = {*Message.__struct_encode_fields__, *Request.__struct_encode_fields__}
_COMMON |= {*Event.__struct_encode_fields__}


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def type_name(kind: inspect.Type) -> str:
    """A type of an attribute in words."""
    match kind:
        case inspect.IntType(ge=0):
            return "count"
        case inspect.IntType():
            return "number"
        case inspect.FloatType(le=most):
            return "seconds" if most == LONGEST else "time"
        case inspect.BoolType():
            return "flag"
        case inspect.StrType(max_length=most):
            return {MAX_NAME: "name", MAX_TEXT: "short text"}.get(most or 0, "text")
        case inspect.BytesType():
            return "bytes"
        case inspect.AnyType():
            return "value"
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return f"list of {type_name(item)}"
        case inspect.TupleType(item_types=items):
            return f"list of {len(items)} {type_name(items[0])}s"
        case inspect.DictType(key_type=inspect.StrType(), value_type=inspect.AnyType()):
            return "key-value list"
        case inspect.DictType(key_type=key, value_type=value):
            return f"map of {type_name(key)} to {type_name(value)}"
        case inspect.UnionType(types=types):
            return " or ".join(
                type_name(each) for each in types if not isinstance(each, inspect.NoneType)
            )
        case inspect.StructType(cls=structure):
            return f"[{structure.__name__}](#{structure.__name__.lower()})"
    raise AssertionError(f"no word is known for {kind}")


TYPES = (
    ("text", "string", "UTF-8"),
    ("name", "string", f"a text of at most {MAX_NAME} characters"),
    ("short text", "string", f"a text of at most {MAX_TEXT} characters"),
    ("count", "integer", "0 to 2⁶³ - 1"),
    ("number", "integer", "-2⁶³ to 2⁶³ - 1"),
    ("time", "float or integer", "seconds since the epoch, UTC, to the end of the year 9999"),
    ("seconds", "float or integer", "how long something lasts"),
    ("flag", "true, false", ""),
    ("bytes", "binary", ""),
    ("key-value list", "map", "of strings to values"),
    ("list, map, structure", "array, map, map", "a structure's keys are attribute names"),
)


def default_of(field: inspect.Field) -> str:
    if field.required:
        return "required"
    value = field.default
    if value is msgspec.NODEFAULT or value is None or value in ("", b""):
        return ""
    if isinstance(value, msgspec.Struct):
        return ""
    return f"`{json_line(value)}`"


def meanings(message: type[Any]) -> dict[str, str]:
    """What the docstrings of a class and its parents say of its attributes."""
    found: dict[str, str] = {}
    for each in reversed(message.__mro__):
        text = cleandoc(each.__dict__.get("__doc__") or "")
        for name, meaning in re.findall(r":ivar (\w+):((?:.|\n(?= ))*)", text):
            found[name] = public_names(" ".join(meaning.split()).rstrip("."), message)
    return found


def public_names(text: str, message: type[Any]) -> str:
    """`text` with the names of attributes as they are on the wire."""
    names = dict(zip(message.__struct_fields__, message.__struct_encode_fields__, strict=True))
    return re.sub(r"`(\w+)", lambda found: f"`{names.get(found[1], found[1])}", text)


def summary(message: type[Any]) -> str:
    """What the docstring of a class says before its attributes, with their public names."""
    text = cleandoc(message.__doc__ or "").split(":ivar")[0].strip()
    return public_names(text, message)


def attributes(message: type[Any], without: Iterable[str], own: dict[str, str]) -> str:
    described = inspect.type_info(message)
    assert isinstance(described, inspect.StructType)
    said = meanings(message)
    rows = [
        (
            f"`{field.encode_name}`",
            type_name(field.type),
            default_of(field),
            said.get(field.name) or own.get(field.encode_name) or ATTRIBUTES[field.encode_name],
        )
        for field in described.fields
        if field.encode_name not in without
    ]
    return table(("attribute", "type", "default", "meaning"), rows) if rows else ""


def routing(row: NameRow) -> dict[str, str]:
    """The strings of the prefix, and the tenant, by the attribute that each carries."""
    names = dict(
        zip(row.message.__struct_fields__, row.message.__struct_encode_fields__, strict=True)
    )
    columns = {"tenant": "tenant_id" if row.tenant else "", "media": row.media}
    columns |= {"interaction": row.interaction, "agent": row.agent, "queue": row.queue}
    return {
        slot: names[name] + ("*" if name in row.required else "")
        for slot, name in columns.items()
        if name
    }


def link(name: str) -> str:
    return f"[{name}](#{name.lower()})"


def route_of(row: NameRow) -> str:
    route = ROUTES[row.name]
    text = f"Route: {route.route.value}"
    if row.code in OWNER_IF_NAMED:
        text += ", or owner where it names an interaction"
    if route.merge:
        text += f"; merge policy: {route.merge}"
    if route.deadline is not Deadline.NORMAL:
        text += f"; deadline: {route.deadline.name.lower()}"
    allowed = ", ".join(sorted(route.rights)) if route.rights != ANYONE else "every client"
    if route.route is Route.INTERNAL and ClientType.PROXY not in route.rights:
        allowed += ", from a proxy in their name"
    return f"{text}; allowed for: {allowed}."


def subscription_of(message: type[Message], subscription: Subscription) -> str:
    names = dict(zip(message.__struct_fields__, message.__struct_encode_fields__, strict=True))
    key, lists = (
        ", ".join(f"`{names[name]}`" for name in columns)
        for columns in (subscription.key, subscription.lists)
    )
    text = f"Subscription: {'ends' if subscription.ends else 'begins'} one to {subscription.to}"
    text += f" of {key}" if key else ""
    return f"{text}; {lists} may list several." if lists else f"{text}."


def section(row: NameRow) -> str:
    carried = routing(row)
    facts = [f"Number {row.code}, kind {row.kind.value}."]
    if carried:
        facts.append("Prefix: " + ", ".join(f"{slot} `{name}`" for slot, name in carried.items()))
        facts[-1] += "."
    if row.answer:
        fault = f", or {link(row.fault)}" if row.fault else ""
        facts.append(f"Answer: {link(row.answer)}{fault}.")
    if row.holdings is not Holdings.NONE:
        facts.append(f"Holdings: {row.holdings.value}.")
    if row.subscription is not None:
        facts.append(subscription_of(row.message, row.subscription))
    if row.merge:
        merged = ", ".join(f"`{name}` {how.value}" for name, how in row.merge.items())
        facts.append(f"Merges: {merged}.")
    if row.name in ROUTES:
        facts.append(route_of(row))
    without = {*_COMMON, *(name.rstrip("*") for name in carried.values())}
    parts = [f"### {row.name}", summary(row.message), " ".join(facts)]
    parts.append(attributes(row.message, without, {}))
    return "\n\n".join(part for part in parts if part)


def hexadecimal(raw: bytes) -> list[str]:
    """A frame's prefix field by field, its strings, and its body in lines of 32 bytes."""
    if len(raw) <= SIZE:
        return [raw.hex(" ", 4)]
    cuts = [0, 4, 5, 6, 8, 12, 16, 20, 24, 25, 29, 32]
    fields = " ".join(raw[one:other].hex() for one, other in pairwise(cuts))
    body_at = SIZE + sum(raw[25:29])
    rest = [raw[SIZE:body_at]] if body_at > SIZE else []
    rest += [raw[at : at + 32] for at in range(body_at, len(raw), 32)]
    return [fields, *(each.hex() for each in rest)]


def told(step: Step) -> str:
    record = frame_record(step.raw)
    name = record.get("name", record.get("kind", ""))
    shown = {key: value for key, value in record.items() if value not in ("", 0, [], {}, None)}
    for key in ("name", "kind", "length"):
        shown.pop(key, None)
    if "error" in record:
        return f"# {step.remark}"
    remark = f" ({step.remark})" if step.remark else ""
    return f"# {name}{remark} {json_line(shown) if shown else ''}".rstrip()


def exchanges() -> str:
    parts = []
    for exchange in EXCHANGES:
        lines = []
        for step in exchange.steps:
            lines.append(told(step))
            lines += [f"{step.direction} {line}" for line in hexadecimal(step.raw)]
        block = "\n".join(lines)
        parts.append(f"### {exchange.title}\n\n{exchange.text}\n\n```text\n{block}\n```")
    return "\n\n".join(parts)


def requests() -> str:
    rows = []
    for row in ROWS:
        if row.name not in ROUTES:
            continue
        route = ROUTES[row.name]
        rows.append(
            (
                row.code,
                link(row.name),
                ", ".join(routing(row).values()),
                row.holdings.value if row.holdings is not Holdings.NONE else "",
                route.route.value,
                link(row.answer) if row.answer else "none",
            )
        )
    return table(("number", "request", "prefix", "holdings", "route", "answer"), rows)


def structures() -> str:
    return "\n\n".join(
        f"### {each.__name__}\n\n{summary(each)}\n\n{attributes(each, (), STRUCTURE_ATTRIBUTES)}"
        for each in STRUCTURES
    )


def page() -> str:
    """The whole page as Markdown."""
    error_rows = [(row.code, row.text, row.outcome.value) for row in ERRORS.values()]
    assert set(ROUTES) <= set(BY_NAME)
    return TEXT.substitute(
        layout=table(("offset", "size", "field", "meaning"), LAYOUT),
        kinds=table(
            ("kind", "name", "meaning"), ((k.value, k.name.lower(), KINDS[k]) for k in Kind)
        ),
        flags=table(
            ("flag", "name", "meaning"),
            ((f.value, str(f.name).lower().replace("_", " "), FLAGS[f]) for f in Flag),
        ),
        types=table(("type", "MessagePack", "values"), TYPES),
        depth=MAX_DEPTH,
        client_types=", ".join(f"`{each}`" for each in ClientType),
        bad_bytes=table(("what is wrong", "code", "and then"), BAD_BYTES),
        example_id=interaction_id(101, 3, 1),
        errors=table(("code", "text", "outcome"), error_rows),
        exchanges=exchanges(),
        requests=requests(),
        extension_keys=table(
            ("key", "on", "meaning"), ((f"`{key}`", on, text) for key, on, text in EXTENSION_KEYS)
        ),
        structures=structures(),
        messages="\n\n".join(section(row) for row in ROWS),
    )


if __name__ == "__main__":
    sys.stdout.write(page())
