from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ixproxy.errors import Code, RemoteProtocolError
from ixproxy.wire.frames import FrameReader, Skipped
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import MIN_LENGTH, write_frame
from tests.wire.recorded import Record, records

LIMIT = 60
Read = list[bytes | Skipped | tuple[int, str, bool]]


def read_in(chunks: list[bytes], limit: int = LIMIT) -> Read:
    """Everything that a reader makes of `chunks`, as the connection asks it."""
    reader = FrameReader(limit)
    read: Read = []
    for chunk in chunks:
        try:
            read += reader.feed(chunk)
            if reader.broken:
                reader.feed(b"")
        except RemoteProtocolError as problem:
            read.append((problem.code, problem.description, problem.fatal))
            break
    return read


def cut(stream: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(stream), *(at % (len(stream) + 1) for at in cuts)})
    return [stream[one:other] for one, other in pairwise(edges)]


good = st.builds(
    lambda reference, queue, body: write_frame(
        Kind.REQUEST, 40, client=7, reference=reference, queue=queue, body=body
    ),
    st.integers(0, 2**32 - 1),
    st.binary(max_size=20),
    st.binary(min_size=1, max_size=40),
)
any_length = st.integers(0, 4 * LIMIT) | st.sampled_from([28, 29, LIMIT - 1, LIMIT, LIMIT + 1])
# A frame that says its length, whatever it is, and holds as much.
of_any_length = any_length.flatmap(
    lambda length: st.binary(min_size=max(0, length - 1), max_size=max(0, length - 1)).map(
        lambda rest: length.to_bytes(4, "big") + b"\xe1" + rest
    )
)
foreign = st.builds(
    lambda start, magic, rest: start + bytes([magic]) + rest,
    st.binary(min_size=4, max_size=4),
    st.integers(0, 255),
    st.binary(max_size=50),
)
streams = st.lists(good | of_any_length | of_any_length | foreign, max_size=8).map(b"".join)


@given(streams | st.binary(max_size=200), st.lists(st.integers(0, 10_000), max_size=12))
@example(b"GET / HTTP/1.1\r\n\r\n", [1, 2, 3, 4, 5])
@example(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", [3])
def test_what_is_read_does_not_depend_on_how_bytes_arrive(stream: bytes, cuts: list[int]) -> None:
    whole = read_in([stream])
    assert read_in(cut(stream, cuts)) == whole
    assert read_in([stream[at : at + 1] for at in range(len(stream))]) == whole


@given(st.lists(good, min_size=1, max_size=6))
def test_good_frames_come_out_as_they_went_in(frames: list[bytes]) -> None:
    assert read_in([b"".join(frames)], 1000) == frames


@given(st.lists(good | of_any_length, min_size=1, max_size=6), good)
def test_a_frame_of_a_wrong_length_does_not_harm_the_next(frames: list[bytes], last: bytes) -> None:
    # A length of 0 leaves no room for the magic: what follows cannot be told from it.
    frames = [frame for frame in frames if frame[:4] != bytes(4)]
    read = read_in([b"".join(frames) + last])
    assert len(read) == len(frames) + 1
    for frame, made in zip([*frames, last], read, strict=True):
        length = int.from_bytes(frame[:4], "big")
        if MIN_LENGTH <= length <= LIMIT:
            assert made == frame
        else:
            assert isinstance(made, Skipped)
            assert (made.length, made.limit) == (length, LIMIT)


RECORDS = list(records())


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.file)
def test_every_recorded_frame_is_read_at_every_split(record: Record) -> None:
    reader = FrameReader()
    raw = record.raw
    for at in range(len(raw) + 1):
        # The reader goes on with the next frame, as on a connection.
        read = reader.feed(raw[:at]) + reader.feed(raw[at:])
        assert read == [raw]
    assert reader.feed(raw + raw[:20]) == [raw]
    assert reader.feed(raw[20:]) == [raw]


def test_a_frame_over_the_limit_is_skipped_as_it_comes_and_can_be_answered() -> None:
    long = write_frame(Kind.REQUEST, 40, client=3, reference=9, body=b"x" * 1000)
    short = write_frame(Kind.PING, 0)
    reader = FrameReader(100)
    read = reader.feed(long[:16])
    assert read == [Skipped(int(Kind.REQUEST), 3, 9, len(long) - 4, 100)]
    assert reader.feed(long[16:500]) == []
    assert reader.feed(long[500:] + short) == [short]
    skipped = read[0]
    assert isinstance(skipped, Skipped)
    assert skipped.problem.code == Code.TOO_LARGE
    assert skipped.problem.description == "length is 1028, 100 allowed"
    assert not skipped.problem.fatal


def test_a_frame_that_is_too_short_is_skipped_and_says_so() -> None:
    frame = (20).to_bytes(4, "big") + b"\xe1\x01\x00\x28" + b"\x00\x00\x00\x05" * 2 + b"\x00" * 8
    read = FrameReader().feed(frame + write_frame(Kind.PING, 0))
    assert len(read) == 2
    skipped = read[0]
    assert isinstance(skipped, Skipped)
    assert (skipped.kind, skipped.client, skipped.reference) == (1, 5, 5)
    assert skipped.problem.code == Code.BAD_FRAME
    assert skipped.problem.description == "length is 20, at least 29 expected"


def test_a_frame_without_room_for_its_reference_is_answered_to_nobody() -> None:
    frame = (11).to_bytes(4, "big") + b"\xe1\x01\x00\x28" + b"\xff" * 7
    assert FrameReader().feed(frame) == [Skipped(0, 0, 0, 11, 1 << 20)]


def test_the_limit_itself_is_allowed_and_one_more_is_not() -> None:
    frame = write_frame(Kind.REQUEST, 40, body=b"x" * 72)
    assert FrameReader(len(frame) - 4).feed(frame) == [frame]
    assert isinstance(FrameReader(len(frame) - 5).feed(frame)[0], Skipped)


def test_a_limit_that_shrinks_holds_for_the_frame_under_way() -> None:
    frame = write_frame(Kind.REQUEST, 40, body=b"x" * 100)
    reader = FrameReader(1000)
    assert reader.feed(frame[:50]) == []
    reader.limit = 60
    assert isinstance(reader.feed(frame[50:])[0], Skipped)
    assert reader.feed(write_frame(Kind.PING, 0)) == [write_frame(Kind.PING, 0)]


@pytest.mark.parametrize(
    ("magic", "code", "says"),
    [
        (0xE2, Code.UNSUPPORTED_VERSION, "protocol version 2 is not supported, 1 is"),
        (0xE0, Code.UNSUPPORTED_VERSION, "protocol version 0 is not supported, 1 is"),
        (0xEF, Code.UNSUPPORTED_VERSION, "protocol version 15 is not supported, 1 is"),
        (0x16, Code.BAD_FRAME, "magic is 0x16, 0xe1 expected"),
        (0x20, Code.BAD_FRAME, "magic is 0x20, 0xe1 expected"),
        (0xD1, Code.BAD_FRAME, "magic is 0xd1, 0xe1 expected"),
    ],
)
def test_another_magic_ends_the_stream_and_another_version_is_told_apart(
    magic: int, code: int, says: str
) -> None:
    reader = FrameReader()
    with pytest.raises(RemoteProtocolError, match=says) as refused:
        reader.feed(b"\x00\x00\x00\x1d" + bytes([magic]))
    assert refused.value.code == code
    assert refused.value.fatal


def test_a_wrong_peer_is_found_on_its_fifth_byte() -> None:
    reader = FrameReader()
    assert reader.feed(b"GET ") == []
    assert not reader.broken
    with pytest.raises(RemoteProtocolError, match="magic is 0x2f"):
        reader.feed(b"/")


def test_frames_before_a_break_come_first_and_the_break_stays() -> None:
    ping = write_frame(Kind.PING, 0)
    reader = FrameReader()
    assert reader.feed(ping + ping + b"GET / HTTP/1.1") == [ping, ping]
    assert reader.broken
    for more in (b"", ping, b"x" * 100):
        with pytest.raises(RemoteProtocolError, match="magic is 0x2f"):
            reader.feed(more)


@given(streams, st.integers(1, 30))
def test_no_more_than_one_frame_is_kept(stream: bytes, size: int) -> None:
    reader = FrameReader(LIMIT)
    for at in range(0, len(stream), size):
        try:
            reader.feed(stream[at : at + size])
        except RemoteProtocolError:
            assert not reader._rest
            return
        assert len(reader._rest) < LIMIT + 4


def test_a_frame_in_tiny_pieces_is_put_together_again() -> None:
    frame = write_frame(Kind.REQUEST, 40, body=b"x" * 200_000)
    reader = FrameReader()
    for at in range(0, len(frame) - 2, 2):
        assert reader.feed(frame[at : at + 2]) == []
    assert reader.feed(frame[len(frame) - 2 :]) == [frame]
