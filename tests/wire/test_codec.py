from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ixproxy.errors import ERRORS, Code, LocalProtocolError, Outcome, RemoteProtocolError
from ixproxy.messages import (
    EventAck,
    EventError,
    EventPulledInteractions,
    EventRouteUsed,
    Message,
    RequestAddMedia,
    RequestPull,
    RequestSubmit,
)
from ixproxy.messages.message import Request
from ixproxy.wire.codec import (
    MAX_DESCRIPTION,
    decode,
    decode_map,
    encode,
    encode_map,
    error_frame,
    missing_attribute,
)
from ixproxy.wire.frames import FrameReader
from ixproxy.wire.names import BY_MESSAGE, BY_NAME, ROWS, Kind, NameRow
from ixproxy.wire.prefix import Flag, Frame, read_frame, with_flags, write_frame
from ixproxy.wire.splice import set_extension
from tests.wire.recorded import BODILESS, Record, meaning, records, unrecorded
from tests.wire.samples import any_message, full

SUBMIT = BY_MESSAGE[RequestSubmit]
every_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
RECORDS = list(records())


def frame_of(body: bytes, row: NameRow = SUBMIT, **prefix: Any) -> Frame:
    return read_frame(write_frame(row.kind, row.code, body=body, **prefix))


@settings(max_examples=5 * len(ROWS))
@given(any_message())
def test_every_message_comes_back_as_it_was(message: Message) -> None:
    row = BY_MESSAGE[type(message)]
    frame = read_frame(encode(message, client=3, reference=4, ttl=5, flags=6))
    assert decode(frame) == message
    assert (frame.client, frame.reference, frame.ttl, frame.flags) == (3, 4, 5, 6)
    assert (frame.kind, frame.name) == (row.kind, row.code)


@every_row
def test_a_message_with_all_attributes_comes_back_as_it_was(row: NameRow) -> None:
    message = full(row)
    for field in msgspec.structs.fields(row.message):
        assert getattr(message, field.name) != field.default
    assert decode(read_frame(encode(message))) == message


@every_row
def test_every_message_is_recorded_with_its_bytes_and_meaning(row: NameRow) -> None:
    assert len([record for record in RECORDS if record.file == row.name]) >= 2
    assert not unrecorded(row), "python -m tests.wire.recorded adds a frame that has them"


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.file)
def test_a_recorded_frame_means_what_it_always_meant(record: Record) -> None:
    frame = read_frame(record.raw)
    assert meaning(frame) == record.means
    if frame.kind not in BODILESS.values():
        assert decode(read_frame(encode(decode(frame)))) == decode(frame)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.file)
def test_a_recorded_frame_means_the_same_at_every_split(record: Record) -> None:
    if record.means["kind"] in BODILESS.values():
        return
    expected = decode(read_frame(record.raw))
    for at in range(len(record.raw)):
        reader = FrameReader()
        (raw,) = reader.feed(record.raw[:at]) + reader.feed(record.raw[at:])
        assert isinstance(raw, bytes)
        assert decode(read_frame(raw)) == expected


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.file)
def test_a_recorded_frame_that_is_cut_short_is_refused_and_never_misread(record: Record) -> None:
    if record.means["kind"] in BODILESS.values():
        return
    raw = record.raw
    for end in range(32, len(raw)):
        short = (end - 4).to_bytes(4, "big") + raw[4:end]
        with pytest.raises(RemoteProtocolError):
            decode(read_frame(short))


@settings(max_examples=50)
@given(any_message(), st.text(min_size=1, max_size=9).map("X-".__add__), st.text(max_size=20))
def test_an_unknown_attribute_is_left_out_here_and_passes_on_with_its_bytes(
    message: Message, name: str, value: str
) -> None:
    frame = read_frame(encode(message))
    unknown = encode_map(name) + encode_map({"deep": [value]})
    attributes = decode_map(frame)
    body = encode_map(attributes | {name: {"deep": [value]}})
    assert unknown in body
    assert decode(frame_of(body, BY_MESSAGE[type(message)])) == decode(
        frame_of(frame.body, BY_MESSAGE[type(message)])
    )
    assert unknown in set_extension(body, {"traceparent": "00-1-2-03"})


def test_routing_attributes_stand_in_the_prefix_and_defaults_nowhere() -> None:
    message = RequestSubmit(tenant_id=5, media_type="email", interaction_id="id", queue="Inbound")
    frame = read_frame(encode(message))
    assert frame.body == b"\x80"
    assert (frame.tenant, frame.media, frame.interaction, frame.agent, frame.queue) == (
        5,
        "email",
        "id",
        "",
        "Inbound",
    )


def test_an_event_may_answer_and_a_reply_may_be_an_event() -> None:
    assert read_frame(encode(EventRouteUsed(), kind=Kind.REPLY)).kind == Kind.REPLY
    assert decode(read_frame(encode(EventRouteUsed(), kind=Kind.REPLY))) == EventRouteUsed()
    assert decode(read_frame(encode(EventAck(), kind=Kind.EVENT))) == EventAck()


@pytest.mark.parametrize(
    ("kind", "name", "says"),
    [
        (Kind.REPLY, "RequestSubmit", "kind is 2, RequestSubmit is of kind 1"),
        (Kind.EVENT, "RequestSubmit", "kind is 4"),
        (Kind.CANCEL, "RequestSubmit", "kind is 5"),
        (Kind.PING, "RequestPing", "kind is 6"),
        (Kind.REQUEST, "EventAck", "kind is 1, EventAck is of kind 2 or 4"),
        (Kind.ERROR, "EventAck", "kind is 3"),
        (Kind.REPLY, "EventError", "kind is 2, EventError is of kind 3"),
        (Kind.EVENT, "EventError", "kind is 4"),
    ],
)
def test_a_message_of_another_kind_is_a_bad_frame(kind: Kind, name: str, says: str) -> None:
    with pytest.raises(RemoteProtocolError, match=says) as refused:
        decode(read_frame(write_frame(kind, BY_NAME[name].code)))
    assert refused.value.code == Code.BAD_FRAME
    row = BY_NAME[name]
    with pytest.raises(LocalProtocolError, match="cannot be of kind"):
        encode(full(row), kind=kind)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"\x91\x01", "body of RequestSubmit: Expected `object`, got `array`"),
        (b"\xc0", "Expected `object`, got `None`"),
        (b"\xc1", "invalid opcode"),
        (b"\x81\xa1a", "truncated"),
        (b"\x80\x80", "trailing"),
        (b"\x81\x01\x02", "Expected `str`"),
        (b"\x81\xa1a" + b"\x91" * 5000 + b"\x01", "recursion"),
        (b"\x81\xa8UserData\x81\xa1a" + b"\x81\xa1a" * 5000 + b"\x01", "recursion"),
        (b"\x81\xa8UserData\xdf\xff\xff\xff\xff", "truncated"),
        (b"\x81\xa8UserData\x81\xa1a\xdd\xff\xff\xff\xff", "truncated"),
        (b"\x81\xa8UserData\x81\xa1a\xdb\xff\xff\xff\xff", "truncated"),
    ],
)
def test_a_body_that_is_no_map_is_a_bad_frame(body: bytes, says: str) -> None:
    frame = frame_of(body)
    with pytest.raises(RemoteProtocolError, match=says) as refused:
        decode(frame)
    assert refused.value.code == Code.BAD_FRAME
    with pytest.raises(RemoteProtocolError, match="body: "):
        decode_map(frame)


def test_an_unknown_name_is_a_bad_frame() -> None:
    frame = read_frame(write_frame(Kind.REQUEST, 999))
    for call in (decode, missing_attribute):
        with pytest.raises(RemoteProtocolError, match="name 999 is not known") as refused:
            call(frame)
        assert refused.value.code == Code.BAD_FRAME


def test_a_body_compressed_without_leave_is_a_bad_frame() -> None:
    raw = with_flags(encode(RequestPull(view_id="Q/V")), Flag.COMPRESSED)
    with pytest.raises(RemoteProtocolError, match="body is compressed") as refused:
        decode(read_frame(raw))
    assert refused.value.code == Code.BAD_FRAME


REGISTER = BY_NAME["RequestRegisterClient"]
LOAD = BY_NAME["EventNodeLoad"]


@pytest.mark.parametrize(
    ("row", "attributes", "says"),
    [
        (SUBMIT, {"InteractionType": 3}, r"Expected `str`, got `int` - at `\$.InteractionType`"),
        (SUBMIT, {"IsOnline": "yes"}, r"Expected `bool`, got `str` - at `\$.IsOnline`"),
        (SUBMIT, {"UserData": [1]}, r"Expected `object`, got `array` - at `\$.UserData`"),
        (SUBMIT, {"UserData": {1: 1}}, r"Expected `str`, got `int` - at `key` in `\$.UserData`"),
        (SUBMIT, {"ReceivedAt": "now"}, r"Expected `float`, got `str` - at `\$.ReceivedAt`"),
        (SUBMIT, {"ReceivedAt": -1.0}, r"Expected `float` >= 0.0 - at `\$.ReceivedAt`"),
        (SUBMIT, {"ReceivedAt": float("nan")}, r"Expected `float` .* - at `\$.ReceivedAt`"),
        (SUBMIT, {"ReceivedAt": float("inf")}, r"Expected `float` .* - at `\$.ReceivedAt`"),
        (SUBMIT, {"Workbin": {"WorkbinTypeId": 1}}, r"at `\$.Workbin.WorkbinTypeId`"),
        (SUBMIT, {"Reason": {"Reason": 2**63}}, r"Expected `int` <= .* - at `\$.Reason.Reason`"),
        (SUBMIT, {"UserData": {"k": 2**63}}, r"UserData\['k'\]: 9223372036854775808 is greater"),
        (SUBMIT, {"UserData": {"k": {1: 2}}}, r"UserData\['k'\]: a key is int"),
        (SUBMIT, {"Extension": {"k": msgspec.msgpack.Ext(1, b"x")}}, r"Extension\['k'\]: .* ext"),
        (SUBMIT, {"InQueues": {"k": [[[2**64 - 1]]]}}, r"InQueues\['k'\]: "),
        (SUBMIT, {"Queue": "Q"}, "Queue belongs into the prefix of RequestSubmit"),
        (SUBMIT, {"TenantId": 1}, "TenantId belongs into the prefix"),
        (SUBMIT, {"InteractionId": "id"}, "InteractionId belongs into the prefix"),
        (BY_MESSAGE[RequestPull], {"ViewId": "Q/V"}, "ViewId belongs into the prefix"),
        (BY_MESSAGE[RequestAddMedia], {"MediaTypeName": "m"}, "MediaTypeName belongs"),
        (REGISTER, {}, "missing required field `ClientName`"),
        (REGISTER, {"ClientName": "n"}, "missing required field `ClientType`"),
        (REGISTER, {"ClientName": "n", "ClientType": "A", "Session": "s"}, r"\$.Session`"),
        (REGISTER, {"ClientName": "n", "ClientType": "A", "Holding": {"id": -1}}, r"\$.Holding"),
        (REGISTER, {"ClientName": "n", "ClientType": "A", "Credentials": {"User": 1}}, "User"),
        (LOAD, {"Queues": {"one": {}}}, r"Expected `int`, got `str` - at `key` in `\$.Queues`"),
        (LOAD, {"Dbid": -1}, r"at `\$.Dbid`"),
    ],
)
def test_an_attribute_of_a_wrong_type_or_value_is_named(
    row: NameRow, attributes: dict[str, Any], says: str
) -> None:
    with pytest.raises(RemoteProtocolError, match=says) as refused:
        decode(frame_of(msgspec.msgpack.encode(attributes), row))
    assert refused.value.code == Code.BAD_ATTRIBUTE
    assert row.name in refused.value.description
    assert not refused.value.fatal


@pytest.mark.parametrize(
    "body",
    [
        b"\x81\xafInteractionType\xa2\xff\xfe",
        b"\x81\xafInteractionType\xc4\x01a",
        b"\x82\xa8IsOnline\xc3\xafInteractionType\xa1\x80",
    ],
)
def test_a_string_that_is_no_utf8_is_named(body: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match=r"RequestSubmit: .*InteractionType") as refused:
        decode(frame_of(body))
    assert refused.value.code == Code.BAD_ATTRIBUTE


def test_user_properties_that_are_no_utf8_are_named() -> None:
    for body in (b"\x81\xa8UserData\x81\xa1\xff\x01", b"\x81\xa8UserData\x81\xa1k\xa1\xff"):
        with pytest.raises(RemoteProtocolError, match=r"RequestSubmit: UserData: .*utf-8"):
            decode(frame_of(body))


def test_long_numbers_that_fit_a_store_pass() -> None:
    values = {"k": 2**62, "millis": 1_700_000_000_000}
    body = msgspec.msgpack.encode({"UserData": values})
    message = decode(frame_of(body))
    assert isinstance(message, RequestSubmit)
    assert message.user_data == values


def test_answers_are_not_looked_through() -> None:
    answer = EventPulledInteractions(interactions={"id": {"k": 2**64 - 1}})
    assert decode(read_frame(encode(answer))) == answer


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (RequestSubmit(queue="q" * 256), "RequestSubmit: queue string takes 256 bytes"),
        (RequestSubmit(tenant_id=2**32), "RequestSubmit: tenant is 4294967296"),
        (RequestSubmit(user_data={"k": 2**64}), "RequestSubmit: "),
        (RequestSubmit(user_data={"k": object()}), "RequestSubmit: "),
        (RequestSubmit(user_data={"k": "\ud800"}), "RequestSubmit: "),
        (RequestSubmit(media_type="\ud800"), "RequestSubmit: "),
        (Request(), "Request has no row"),
    ],
)
def test_what_we_cannot_say_is_our_own_mistake(message: Message, says: str) -> None:
    with pytest.raises(LocalProtocolError, match=says):
        encode(message)


def test_our_own_endless_nesting_is_our_own_mistake() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(LocalProtocolError, match="RequestSubmit"):
        encode(RequestSubmit(user_data={"k": endless}))


@every_row
def test_each_missing_routing_attribute_is_named_in_turn(row: NameRow) -> None:
    wire = dict(
        zip(row.message.__struct_fields__, row.message.__struct_encode_fields__, strict=True)
    )
    slots = {
        "tenant_id": "tenant",
        row.media: "media",
        row.interaction: "interaction",
        row.agent: "agent",
        row.queue: "queue",
    }
    given_slots: dict[str, Any] = {
        slots[name]: 1 if name == "tenant_id" else b"x" for name in row.required
    }
    assert missing_attribute(frame_of(b"\x80", row, **given_slots)) == ""
    for name in row.required:
        less = {slot: value for slot, value in given_slots.items() if slot != slots[name]}
        assert missing_attribute(frame_of(b"\x80", row, **less)) == wire[name]


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_an_error_says_by_itself_what_its_code_means(code: int) -> None:
    frame = read_frame(error_frame(code, client=2, reference=3, interaction_id="id"))
    assert (frame.kind, frame.client, frame.reference) == (Kind.ERROR, 2, 3)
    assert decode(frame) == EventError(
        interaction_id="id",
        error_code=code,
        error_description=ERRORS[code].text,
        in_doubt=ERRORS[code].outcome is Outcome.IN_DOUBT,
    )


def test_an_error_may_be_told_more_exactly() -> None:
    error = decode(read_frame(error_frame(2002, "node ixn1 is gone", doubtful=False)))
    assert error == EventError(error_code=2002, error_description="node ixn1 is gone")


def test_an_error_that_names_what_a_peer_sent_stays_short() -> None:
    long = encode_map({"k" + "\0" * 300_000: {"a": 2**64 - 1}})
    body = b"\x81" + encode_map("UserData") + long
    with pytest.raises(RemoteProtocolError) as caught:
        decode(frame_of(body, SUBMIT))
    raw = error_frame(caught.value.code, caught.value.description)
    assert len(raw) < 4100
    error = decode(read_frame(raw))
    assert isinstance(error, EventError)
    assert len(error.error_description) == MAX_DESCRIPTION
    assert error.error_description.startswith("RequestSubmit: UserData['k")


@given(st.binary(min_size=1, max_size=80), st.sampled_from([decode, decode_map]))
def test_no_body_raises_anything_else(body: bytes, call: Callable[[Frame], object]) -> None:
    try:
        call(frame_of(body))
    except RemoteProtocolError as problem:
        assert problem.code in (Code.BAD_FRAME, Code.BAD_ATTRIBUTE)  # noqa: PT017
