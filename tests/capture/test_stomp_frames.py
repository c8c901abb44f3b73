"""STOMP as bytes."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.capture.stomp_frames import HEART_BEAT, Frame, FrameReader, written
from ixproxy.errors import LocalProtocolError, RemoteProtocolError

MESSAGE = Frame(
    "MESSAGE",
    {"subscription": "0", "message-id": "a:b", "note": "c\\d\ne\rf", "content-length": "6"},
    b"<a/>\0\n",
)
BYTES = (
    b"MESSAGE\nsubscription:0\nmessage-id:a\\cb\nnote:c\\\\d\\ne\\rf\n"
    b"content-length:6\n\n<a/>\0\n\0"
)

texts = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=20)
frames = st.builds(
    Frame,
    st.sampled_from(["MESSAGE", "SEND", "RECEIPT", "ERROR"]),
    st.dictionaries(texts.filter(lambda name: name not in ("", "content-length")), texts),
    st.binary(max_size=40),
)


def read(*parts: bytes, most_body: int = 1000, most_head: int = 1000) -> list[Frame]:
    reader = FrameReader(most_body, most_head)
    return [frame for part in parts for frame in reader.feed(part)]


@pytest.mark.parametrize("cut", range(len(BYTES) + 3))
def test_a_frame_is_read_however_it_is_cut(cut: int) -> None:
    stream = HEART_BEAT + BYTES + b"\r\n" + BYTES
    assert read(stream[:cut], stream[cut:]) == [MESSAGE, MESSAGE]


def test_a_frame_is_read_byte_by_byte() -> None:
    assert read(*(BYTES[at : at + 1] for at in range(len(BYTES)))) == [MESSAGE]


def test_what_is_written_is_what_is_read() -> None:
    headers = {name: MESSAGE.headers[name] for name in MESSAGE.headers if name != "content-length"}
    assert written(Frame("MESSAGE", headers, MESSAGE.body)) == BYTES


@given(st.lists(frames, max_size=4), st.lists(st.integers(0, 400), max_size=6))
def test_frames_survive_writing_and_any_cuts(sent: list[Frame], cuts: list[int]) -> None:
    stream = b"".join(map(written, sent))
    places = [0, *sorted(cuts), len(stream)]
    parts = [stream[a:b] for a, b in pairwise(places)]
    got = read(*parts, most_head=10_000)
    assert len(got) == len(sent)
    for there, here in zip(got, sent, strict=True):
        assert (there.command, there.body) == (here.command, here.body)
        assert {k: v for k, v in there.headers.items() if k != "content-length"} == here.headers


@given(st.binary(max_size=200), st.integers(0, 200))
def test_any_bytes_are_read_or_refused(stream: bytes, cut: int) -> None:
    with suppress(RemoteProtocolError):
        for frame in read(stream[:cut], stream[cut:], most_body=20, most_head=40):
            assert len(frame.body) <= 20


def test_a_text_has_no_length_and_bytes_have_one_even_if_there_are_none() -> None:
    frame = Frame("SEND", {"destination": "/queue/a"}, b"<a/>")
    assert written(frame, text=True) == b"SEND\ndestination:/queue/a\n\n<a/>\0"
    assert written(Frame("SEND", {})) == b"SEND\ncontent-length:0\n\n\0"
    assert read(written(frame, text=True))[0].body == b"<a/>"
    with pytest.raises(LocalProtocolError, match="NUL"):
        written(Frame("SEND", {}, b"a\0b"), text=True)


def test_the_opening_has_no_escapes() -> None:
    assert written(Frame("CONNECT", {"passcode": "a:b\\c"})) == b"CONNECT\npasscode:a:b\\c\n\n\0"
    assert read(b"CONNECTED\nserver:a\\b:c\n\n\0")[0].headers == {"server": "a\\b:c"}


@pytest.mark.parametrize(
    "frame",
    [
        Frame("CONNECT", {"passcode": "a\nlogin:root"}),
        Frame("CONNECT", {"a:b": "c"}),
        Frame("SEND", {"a": "b\0c"}),
    ],
)
def test_what_would_be_another_frame_is_not_written(frame: Frame) -> None:
    with pytest.raises(LocalProtocolError):
        written(frame)


def test_lines_may_end_with_a_carriage_return_and_the_first_of_equal_headers_counts() -> None:
    stream = b"RECEIPT\r\nreceipt-id:1\r\nreceipt-id:2\r\n\r\n\0"
    for cut in range(len(stream)):
        assert read(stream[:cut], stream[cut:]) == [Frame("RECEIPT", {"receipt-id": "1"})]


@pytest.mark.parametrize(
    ("stream", "said"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "name of a command"),
        (b"\x15\x03\x03\n\n", "name of a command"),
        (b"MESSAGE\nno colon\n\n\0", "expected a header"),
        (b"MESSAGE\n:value\n\n\0", "expected a header"),
        (b"MESSAGE\na:\\t\n\n\0", "no escape"),
        (b"MESSAGE\na:b\\\n\n\0", "no escape"),
        (b"MESSAGE\ncontent-length:-1\n\n\0", "expected as content-length"),
        (b"MESSAGE\ncontent-length:9999999999999999\n\n\0", "expected as content-length"),
        (b"MESSAGE\ncontent-length:1\n\nab\0", "not followed by a NUL"),
        (b"A" * 1001, "more than 1000 bytes"),
        (b"A\na:" + b"b" * 1001 + b"\n\n\0", "more than 1000 bytes"),
    ],
)
def test_bad_bytes_are_refused_with_what_is_wrong(stream: bytes, said: str) -> None:
    with pytest.raises(RemoteProtocolError, match=said):
        read(stream)
    with pytest.raises(RemoteProtocolError, match=said):
        read(*(stream[at : at + 1] for at in range(len(stream))))


def test_headers_that_are_no_text_are_made_one_that_is_different_for_each() -> None:
    first, second = read(b"MESSAGE\na:\xff\xc3\xa9\0\n\n\0MESSAGE\na:\xfe\n\n\0")
    assert first.headers["a"] == "\\xffé\0"
    assert second.headers["a"] == "\\xfe"


@pytest.mark.parametrize("length", [b"content-length:12\n", b""])
def test_a_body_that_is_too_long_is_skipped_and_its_message_still_known(length: bytes) -> None:
    long = b"MESSAGE\nmessage-id:1\n" + length + b"\n" + b"x" * 12 + b"\0"
    stream = long + BYTES
    for cut in range(len(stream)):
        first, second = read(stream[:cut], stream[cut:], most_body=10)
        assert (first.headers["message-id"], first.body, first.skipped) == ("1", b"", 12)
        assert second == MESSAGE
    assert read(long, most_body=12)[0].skipped == 0
