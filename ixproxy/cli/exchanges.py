"""Whole exchanges between a client and a server, as the protocol page shows them."""

from __future__ import annotations

from typing import NamedTuple

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventInteractionsFound,
    EventPulledInteractions,
    RequestFindInteractions,
    RequestGetInteractionProperties,
    RequestPlaceInQueue,
    RequestPull,
    RequestRegisterClient,
    RequestStopProcessing,
    RequestSubmit,
    ServerFacts,
)
from ixproxy.values import ClientType, interaction_id
from ixproxy.wire.codec import encode, error_frame
from ixproxy.wire.frames import wrong_magic
from ixproxy.wire.names import Kind
from ixproxy.wire.parts import encode_parts
from ixproxy.wire.prefix import write_frame

TO_SERVER, FROM_SERVER = ">", "<"


class Step(NamedTuple):
    """One frame: which way it goes, and a remark."""

    direction: str
    raw: bytes
    remark: str = ""


class Exchange(NamedTuple):
    """Frames that belong together, in the order in which one end sees them."""

    name: str
    title: str
    text: str
    steps: tuple[Step, ...]


def _ask(raw: bytes, remark: str = "") -> Step:
    return Step(TO_SERVER, raw, remark)


def _say(raw: bytes, remark: str = "") -> Step:
    return Step(FROM_SERVER, raw, remark)


_SESSION = bytes.fromhex("0f1e2d3c4b5a69788796a5b4c3d2e1f0")
_ID = interaction_id(dbid=101, epoch=3, counter=1)
_OTHER_ID = interaction_id(dbid=102, epoch=1, counter=9)
_SERVER = ServerFacts(
    name="ixn1",
    role="node",
    dbid=101,
    epoch=3,
    tenants=[1],
    last_event_number=4711,
    max_frame=1 << 20,
)


def _registration(incarnation: int, holding: dict[str, int]) -> bytes:
    return encode(
        RequestRegisterClient(
            client_name="desk-1",
            client_type=ClientType.AGENT_APPLICATION,
            session=_SESSION,
            incarnation=incarnation,
            holding=holding,
            tenants=[1],
        ),
        reference=1,
    )


def _found(name: str) -> dict[str, object]:
    return {"InteractionMediatype": "email", "InteractionUserData": {"Subject": name * 12}}


_FOUND = EventInteractionsFound(
    interactions={_ID: _found("first "), _OTHER_ID: _found("second ")}, have_more=True
)

EXCHANGES = (
    Exchange(
        "register",
        "Registering, and coming back",
        "A desktop registers. Later its connection breaks, and it comes back with a higher "
        "incarnation, saying that it still has one interaction, taken as event 4720. The server "
        "confirms it in `Held`.",
        (
            _ask(_registration(1, {}), "the first connection"),
            _say(encode(EventAck(server=_SERVER), reference=1)),
            _ask(_registration(2, {_ID: 4720}), "on the next connection"),
            _say(encode(EventAck(server=_SERVER, held={_ID: 4720}), reference=1)),
        ),
    ),
    Exchange(
        "submit",
        "Submitting, working off, stopping",
        "A media server hands an e-mail in. Tenant, media type and queue stand in the prefix; so "
        "does the new id in the answer, which a proxy learns without looking into the body.",
        (
            _ask(
                encode(
                    RequestSubmit(
                        tenant_id=1,
                        media_type="email",
                        queue="Inbound",
                        interaction_type="Inbound",
                        user_data={"Subject": "Hello", "Priority": 5},
                    ),
                    reference=2,
                )
            ),
            _say(
                encode(EventAck(interaction_id=_ID, extension={"InteractionId": _ID}), reference=2)
            ),
            _ask(
                encode(
                    RequestPlaceInQueue(
                        tenant_id=1,
                        interaction_id=_ID,
                        queue="Done",
                        changed_properties={"Priority": 1},
                    ),
                    reference=3,
                )
            ),
            _say(encode(EventAck(interaction_id=_ID), reference=3)),
            _ask(
                encode(RequestStopProcessing(tenant_id=1, interaction_id=_ID), reference=4),
            ),
            _say(encode(EventAck(interaction_id=_ID), reference=4)),
        ),
    ),
    Exchange(
        "pull",
        "Pulling",
        "A routing engine asks for one interaction of a view and gives the server five seconds. "
        "What it gets is its to hold until it gives it back; the number of the take goes with it.",
        (
            _ask(
                encode(
                    RequestPull(
                        tenant_id=1,
                        view_id="Inbound/All",
                        number_of_interactions=1,
                        extension={"pull-for-strategy": 1},
                    ),
                    reference=5,
                    ttl=5000,
                )
            ),
            _say(
                encode(
                    EventPulledInteractions(
                        interactions={_ID: {"InteractionUserData": {"Subject": "Hello"}}},
                        take_numbers={_ID: 4720},
                    ),
                    reference=5,
                )
            ),
        ),
    ),
    Exchange(
        "error",
        "A refusal",
        "No node has such an interaction. An error is known by its kind, without a look at the "
        "body; the interaction that it is about stands in the prefix.",
        (
            _ask(
                encode(
                    RequestGetInteractionProperties(tenant_id=1, interaction_id=_OTHER_ID),
                    reference=6,
                )
            ),
            _say(
                error_frame(Code.UNKNOWN_INTERACTION, reference=6, interaction_id=_OTHER_ID),
            ),
        ),
    ),
    Exchange(
        "parts",
        "An answer in parts",
        "The answer is longer than the client's max-frame, here 240 bytes to keep it short. The "
        "first part has flag 8; the request is answered when the part without it has come.",
        (
            _ask(
                encode(
                    RequestFindInteractions(tenant_id=1, condition="media_type = 'email'"),
                    reference=7,
                )
            ),
            *(_say(raw) for raw in encode_parts(_FOUND, 240, reference=7)),
        ),
    ),
    Exchange(
        "cancel",
        "Cancelling",
        "A held pull is not wanted any more. The cancel names the request by client and reference "
        "and has no answer of its own; the request still gets its one.",
        (
            _ask(
                encode(
                    RequestPull(
                        tenant_id=1, view_id="Inbound/All", extension={"pull-for-strategy": 1}
                    ),
                    reference=8,
                )
            ),
            _ask(write_frame(Kind.CANCEL, 0, reference=8)),
            _say(error_frame(Code.CANCELLED, reference=8)),
        ),
    ),
    Exchange(
        "keep-alive",
        "Keeping alive",
        "Either end pings; client and reference come back as they were.",
        (
            _say(write_frame(Kind.PING, 0)),
            _ask(write_frame(Kind.PONG, 0)),
        ),
    ),
    Exchange(
        "wrong-version",
        "Another version",
        "What the fifth byte says ends the connection: the server answers in version 1, to nobody "
        "in particular, and closes.",
        (
            _ask(b"\x00\x00\x00\x1d\xe2" + bytes(28), "magic 0xE2: version 2"),
            _say(error_frame(Code.UNSUPPORTED_VERSION, wrong_magic(0xE2).description)),
        ),
    ),
)
