"""Key-value lists and times on a command line."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable
from pathlib import Path

import pytest

from ixproxy.cli.key_values import Pair, object_of, pair, pairs, seconds, time_of, whole_number


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Subject=Hello = you", Pair("Subject", "Hello = you")),
        ("Subject=", Pair("Subject", "")),
        ("Priority:=7", Pair("Priority", 7)),
        ("Flag:=true", Pair("Flag", 1)),
        ('List:={"a":[1,"b"]}', Pair("List", {"a": [1, "b"]})),
    ],
)
def test_a_pair_is_text_or_json(text: str, expected: Pair) -> None:
    assert pair(text) == expected


def test_a_later_pair_wins() -> None:
    assert pairs([Pair("a", 1), Pair("b", 2), Pair("a", 3)]) == {"a": 3, "b": 2}
    assert pairs(None) == {}


def test_an_object_may_stand_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "user-data.json"
    path.write_text('{"Subject": "Grüße"}', "utf-8")
    assert object_of(f"@{path}") == {"Subject": "Grüße"} == object_of('{"Subject": "Grüße"}')


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1700000000.5", 1700000000.5),
        ("2001-09-09T01:46:40", 1_000_000_000),
        ("2001-09-09T03:46:40+02:00", 1_000_000_000),
        ("2001-09-09 01:46:40Z", 1_000_000_000),
    ],
)
def test_a_time_is_utc_unless_it_says_otherwise(text: str, moment: float) -> None:
    assert time_of(text) == moment


@pytest.mark.parametrize(
    ("reader", "text", "problem"),
    [
        (pair, "Subject", "expected key=text or key:=json"),
        (pair, "=x", "expected key=text"),
        (pair, ":=1", "expected key=text"),
        (pair, "a:={", "a: not JSON"),
        (pair, "a:=null", "a: a key-value list has no null"),
        (pair, 'a:={"b":[null]}', "a.b: a key-value list has no null"),
        (object_of, "[1]", "expected a JSON object"),
        (object_of, "@/nowhere/at/all", "/nowhere/at/all"),
        (time_of, "yesterday", "expected seconds since the epoch"),
        (whole_number, "0", "expected a whole number from 1 up"),
        (whole_number, "٣", "expected a whole number"),
        (seconds, "0", "expected seconds above 0"),
        (seconds, "nan", "expected seconds above 0"),
    ],
)
def test_what_cannot_be_read_says_what_was_expected(
    reader: Callable[[str], object], text: str, problem: str
) -> None:
    with pytest.raises(ArgumentTypeError, match=problem):
        reader(text)


def test_numbers_are_numbers() -> None:
    assert (whole_number("12"), seconds("0.5")) == (12, 0.5)
