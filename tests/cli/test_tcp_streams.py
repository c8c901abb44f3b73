from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from ixproxy.cli.packets import Problem, Segment
from ixproxy.cli.tcp_streams import PATIENCE, Flow, Gap, Piece, streams

FLOW = Flow("a:1", "b:2", 1)


def segment(sequence: int, payload: bytes = b"", *, opens: bool = False, cut: int = 0) -> Segment:
    return Segment(1.0, "a:1", "b:2", sequence % 2**32, opens, payload, cut)


def read(*segments: Segment | Problem) -> list[bytes | int]:
    """Bytes for what was read, numbers for what is missing, of one flow after another."""
    told: list[bytes | int] = []
    for piece in streams(segments):
        match piece:
            case Piece(content=content):
                if told and isinstance(told[-1], bytes):
                    told[-1] += content
                else:
                    told.append(content)
            case Gap(missing=missing):
                told.append(missing)
    return told


@given(
    st.binary(min_size=1, max_size=60),
    st.lists(st.tuples(st.integers(0, 59), st.integers(1, 20)), max_size=30),
    st.randoms(use_true_random=False),
    st.sampled_from([0, 1000, 2**32 - 30]),
)
def test_a_stream_is_whole_however_its_segments_come(
    content: bytes, repeats: list[tuple[int, int]], chance: Random, start: int
) -> None:
    pieces = [(at, 1) for at in range(len(content))] + repeats
    chance.shuffle(pieces)
    segments = [
        segment(start + 1 + at, content[at : at + size]) for at, size in pieces if content[at:]
    ]
    assert read(segment(start, opens=True), *segments) == [content]


def test_both_directions_and_other_connections_are_kept_apart() -> None:
    back = Segment(2.0, "b:2", "a:1", 50, False, b"answer")
    told = list(streams([segment(1, b"ask"), back, segment(4, b"more")]))
    assert told == [
        Piece(FLOW, 1.0, b"ask", False),
        Piece(Flow("b:2", "a:1", 1), 2.0, b"answer", False),
        Piece(FLOW, 1.0, b"more", False),
    ]


def test_a_connection_seen_from_its_beginning_says_so() -> None:
    told = list(streams([segment(9, opens=True), segment(10, b"x")]))
    assert told == [Piece(FLOW, 1.0, b"x", True)]


def test_the_same_addresses_again_are_another_connection() -> None:
    told = list(
        streams(
            [
                segment(9, opens=True),
                segment(10, b"one"),
                segment(500, opens=True),
                segment(501, b"two"),
            ]
        )
    )
    assert [piece.flow.connection for piece in told if isinstance(piece, Piece)] == [1, 2]


def test_an_opening_that_comes_twice_is_one() -> None:
    opening = segment(9, opens=True)
    told = list(streams([opening, opening, segment(10, b"x")]))
    assert told == [Piece(FLOW, 1.0, b"x", True)]


def test_what_never_came_is_a_gap_at_the_end() -> None:
    assert read(segment(0, b"ab"), segment(5, b"fg"), segment(9, b"jk")) == [
        b"ab",
        3,
        b"fg",
        2,
        b"jk",
    ]


def test_a_gap_is_given_up_when_too_much_waits_behind_it() -> None:
    size = 1 << 20
    late = [segment(10 + size * number, b"x" * size) for number in range(PATIENCE // size + 1)]
    told = list(streams([segment(0, b"ab"), *late[:-1]]))
    assert [piece for piece in told[:2] if isinstance(piece, Gap)] == [Gap(FLOW, 1.0, 8)]
    seen = []
    for piece in streams(iter([segment(0, b"ab"), *late, segment(2, b"too late")])):
        seen.append(piece)
    assert [type(piece) for piece in seen[:3]] == [Piece, Gap, Piece]
    assert len(seen) == 2 + len(late)


def test_what_the_capture_cut_off_is_a_gap() -> None:
    assert read(segment(0, b"ab", cut=3), segment(5, b"f")) == [b"ab", 3, b"f"]
    assert read(segment(0, b"ab", cut=3), segment(0, b"abcde"), segment(5, b"f")) == [
        b"ab",
        3,
        b"f",
    ]


def test_a_problem_is_passed_on_in_its_place() -> None:
    problem = Problem("a packet is broken")
    told = list(streams([segment(0, b"a"), problem, segment(1, b"b")]))
    assert told[1] == problem
    assert len(told) == 3


def test_segments_without_bytes_say_nothing() -> None:
    assert read(segment(5), segment(6)) == []
