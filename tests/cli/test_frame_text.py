from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.cli.frame_text import HIDDEN, FrameText, frame_record, readable
from ixproxy.cli.output import json_line
from ixproxy.messages import Credentials, EventAck, RequestRegisterClient, RequestSubmit
from ixproxy.wire.codec import encode, encode_map
from ixproxy.wire.frames import FrameReader
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Flag, with_flags, write_frame
from tests.wire.recorded import frames

SUBMIT = encode(
    RequestSubmit(tenant_id=1, media_type="email", queue="Inbound", user_data={"Subject": "é"}),
    client=7,
    reference=9,
    ttl=5000,
    flags=Flag.TRACED | Flag.RECEIPT,
)
PING = write_frame(Kind.PING, 0)


def told(*chunks: bytes, **settings: Any) -> list[dict[str, object]]:
    text = FrameText(**settings)
    return [record for chunk in chunks for record in text.feed(chunk)] + list(text.end())


def test_a_frame_is_told_with_its_prefix_and_body() -> None:
    assert frame_record(SUBMIT) == {
        "length": len(SUBMIT) - 4,
        "kind": "request",
        "name": "RequestSubmit",
        "client": 7,
        "reference": 9,
        "tenant": 1,
        "ttl": 5000,
        "flags": ["traced", "receipt"],
        "media": "email",
        "interaction": "",
        "agent": "",
        "queue": "Inbound",
        "body": {"UserData": {"Subject": "é"}},
    }


def test_a_kind_without_a_body_has_none() -> None:
    assert "body" not in frame_record(PING)
    assert "name" not in frame_record(PING)
    cancel = frame_record(write_frame(Kind.CANCEL, 40, reference=5))
    assert (cancel["kind"], cancel["name"], cancel["reference"]) == ("cancel", "RequestSubmit", 5)


def test_secrets_are_left_out_wherever_they_stand() -> None:
    registration = RequestRegisterClient(
        client_name="desk-1",
        client_type="AgentApplication",
        credentials=Credentials(user="someone", password="hunter2"),
        session=b"0123456789abcdef",
        extension={"deep": [{"password": "hunter3", "Kept": "kept"}]},
    )
    record = frame_record(encode(registration))
    body = record["body"]
    assert isinstance(body, dict)
    assert (body["Credentials"], body["Session"]) == (HIDDEN, HIDDEN)
    text = json_line(record)
    assert "desk-1" in text
    assert "kept" in text
    for secret in ("someone", "hunter2", "hunter3", "MDEyMzQ1Njc4OWFiY2RlZg"):
        assert secret not in text


def test_attributes_that_no_message_has_are_told_too() -> None:
    raw = write_frame(Kind.REPLY, 1000, body=encode_map({"Unknown": [1], "TakeNumber": 3}))
    record = frame_record(raw)
    assert record["body"] == {"Unknown": [1], "TakeNumber": 3}
    assert "error" not in record


@pytest.mark.parametrize(
    ("raw", "says", "has_body"),
    [
        (write_frame(Kind.REQUEST, 999), "name 999 is not known", True),
        (write_frame(Kind.REPLY, 40), "kind is 2, RequestSubmit", True),
        (write_frame(Kind.REQUEST, 40, body=b"\x91\x01"), "Expected `object`", False),
        (write_frame(Kind.REQUEST, 40, body=b"\x80\x80"), "body", False),
        (write_frame(Kind.REQUEST, 40, body=b"\x81\xa1a" + b"\x91" * 900 + b"\x01"), "deep", False),
        (write_frame(Kind.REQUEST, 40, body=encode_map({"IsOnline": 3})), "IsOnline", True),
        (PING[:5] + b"\x09" + PING[6:], "kind is 9", False),
        (write_frame(Kind.REQUEST, 40, media=b"\xff"), "media string is not UTF-8", False),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_receiver_would_refuse_is_told_as_an_error(
    raw: bytes, says: str, has_body: bool
) -> None:
    record = frame_record(raw)
    assert says in str(record["error"])
    assert ("body" in record) is has_body


def test_a_compressed_body_is_told_by_its_size() -> None:
    record = frame_record(with_flags(encode(EventAck(interaction_id="id")), Flag.COMPRESSED))
    assert record["flags"] == ["compressed"]
    assert record["body_bytes"] == 1
    assert "error" not in record


def test_every_value_becomes_json() -> None:
    strange = {1: {b"k": msgspec.msgpack.Ext(4, b"x")}, (1, 2): [(3,)], None: 1.5}
    assert readable(strange) == {
        "1": {"b'k'": {"extension_type": 4, "bytes": b"x"}},
        "(1, 2)": [[3]],
        "None": 1.5,
    }
    assert json_line(readable(strange))


@given(st.lists(st.sampled_from(frames()), max_size=5), st.integers(1, 50))
def test_frames_are_cut_as_a_receiver_cuts_them(recorded: list[bytes], size: int) -> None:
    stream = b"".join(recorded)
    records = told(*(stream[at : at + size] for at in range(0, len(stream), size)))
    assert [record["length"] for record in records] == [len(raw) - 4 for raw in recorded]
    offsets = [sum(map(len, recorded[:number])) for number in range(len(recorded))]
    assert [record["offset"] for record in records] == offsets
    assert len(FrameReader().feed(stream)) == len(records)


@given(st.binary(max_size=200), st.integers(1, 50))
def test_no_bytes_end_the_reading(stream: bytes, size: int) -> None:
    for chunks in ([stream], [stream[at : at + size] for at in range(0, len(stream), size)]):
        for record in told(*chunks, max_frame=100):
            assert json_line(record)


def test_reading_goes_on_behind_bytes_that_are_no_frame() -> None:
    records = told(SUBMIT + b"garbage!" * 10 + SUBMIT)
    assert [record.get("name", record.get("error")) for record in records] == [
        "RequestSubmit",
        "3004: magic is 0x61, 0xe1 expected",
        "80 bytes are no frame",
        "RequestSubmit",
    ]
    assert records[2]["offset"] == len(SUBMIT)
    assert records[3]["offset"] == len(SUBMIT) + 80


def test_a_frame_of_a_wrong_length_is_passed_over() -> None:
    short = (10).to_bytes(4, "big") + b"\xe1" + bytes(9)
    long = write_frame(Kind.REQUEST, 40, body=b"x" * 500)
    records = told(short + long[:90], long[90:] + PING, max_frame=400)
    assert [record.get("kind", record.get("error")) for record in records] == [
        "3004: length is 10, at least 29 expected",
        "3003: length is 528, 400 allowed",
        "ping",
    ]
    assert records[-1]["offset"] == 14 + len(long)


@pytest.mark.parametrize("end", [3, 20, 40])
def test_a_frame_that_is_not_whole_at_the_end_is_told(end: int) -> None:
    records = told(PING + SUBMIT[:end])
    assert records[1:] == [{"offset": len(PING), "error": "it ends in the middle of a frame"}]


def test_another_version_of_the_protocol_is_told_as_such() -> None:
    records = told(b"\x00\x00\x00\x1d\xe2" + bytes(28) + PING)
    assert records[0]["error"] == "3012: protocol version 2 is not supported, 1 is"
    assert records[-1]["kind"] == "ping"


def test_a_recording_that_begins_anywhere_finds_the_first_whole_frame() -> None:
    records = told(SUBMIT[10:] + SUBMIT, begins_whole=False)
    assert [record.get("name", record.get("error")) for record in records] == [
        f"{len(SUBMIT) - 10} bytes are no frame",
        "RequestSubmit",
    ]
    assert told(SUBMIT, begins_whole=False) == told(SUBMIT)


def test_after_lost_bytes_the_next_whole_frame_is_found() -> None:
    text = FrameText()
    records = [
        *text.feed(SUBMIT[:30]),
        *text.lost(len(SUBMIT) - 20),
        *text.feed(SUBMIT[10:] + PING),
        *text.end(),
    ]
    assert [record.get("kind", record.get("error")) for record in records] == [
        "it ends in the middle of a frame",
        f"{len(SUBMIT) - 20} bytes are missing",
        f"{len(SUBMIT) - 10} bytes are no frame",
        "ping",
    ]
    assert records[-1]["offset"] == 30 + len(SUBMIT) - 20 + len(SUBMIT) - 10
