"""The line that somebody is typing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.cli.agent_editing import InputLine, Typed

WORDS = ["ready", "reason", "transfer"]


def line() -> InputLine:
    return InputLine("> ", lambda text: [word for word in WORDS if word.startswith(text)])


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (b"stop", "stop"),
        ("grüß".encode(), "grüß"),
        (b"stop\x7f\x7fay", "stay"),
        (b"top\x01s\x05!", "stop!"),
        (b"sop\x1b[D\x1b[Dt", "stop"),
        (b"stop\x1b[D\x1b[D\x1b[3~", "stp"),
        (b"sto\x1bOHx\x1bOFy", "xstoy"),
        (b"stop id-1\x17id-2", "stop id-2"),
        (b"stop\x15hold", "hold"),
        (b"stop\x01\x0bhold", "hold"),
        (b"stop\x1b[D\x04", "sto"),
        (b"st\x1b[5~\x1bxop\x00", "stop"),
        (b"rea\t", "rea"),
        (b"t\tid", "transfer id"),
        (b"r\t", "rea"),
        (b"zz\t", "zz"),
    ],
)
def test_keys_edit_it(keys: bytes, text: str) -> None:
    typed = line()
    assert typed.feed(keys) == []
    assert typed.text == text


def test_enter_gives_the_line_and_the_arrows_give_it_back() -> None:
    typed = line()
    assert typed.feed(b"one\rtwo\ntwo\n") == [Typed("one"), Typed("two"), Typed("two")]
    typed.feed(b"\x1b[A\x1b[A\x1b[A")
    assert typed.text == "one"
    typed.feed(b"\x1b[B")
    assert typed.text == "two"
    typed.feed(b"\x1b[B\x1b[B")
    assert typed.text == ""


def test_ctrl_d_ends_only_an_empty_line() -> None:
    typed = line()
    assert typed.feed(b"a\x04") == []
    assert typed.feed(b"\x15\x04") == [Typed(end=True)]


def test_several_completions_are_offered_until_the_next_key() -> None:
    typed = line()
    typed.feed(b"rea\t")
    assert typed.offers == ["ready", "reason"]
    typed.feed(b"d")
    assert typed.offers == []


def test_it_is_drawn_with_its_cursor_and_as_much_as_fits() -> None:
    typed = line()
    typed.feed(b"stop\x1b[D")
    assert typed.drawn(80) == "\r\x1b[K> stop\x1b[1D"
    typed.feed(b"\x05" + b"x" * 100)
    assert typed.drawn(23) == "\r\x1b[K> " + "x" * 20


@given(st.lists(st.binary(max_size=12), max_size=12))
def test_any_keys_in_any_pieces_leave_a_line_that_can_be_drawn(pieces: list[bytes]) -> None:
    typed, whole = line(), line()
    for piece in pieces:
        typed.feed(piece)
    whole.feed(b"".join(pieces))
    assert typed.text == whole.text
    assert typed.text.isprintable()
    assert typed.drawn(40)
