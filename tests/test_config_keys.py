from __future__ import annotations

import pytest

from ixproxy.config_keys import (
    Key,
    Kind,
    Unfit,
    clean,
    filled,
    plain_name,
    rate_of,
    rate_text,
    shown,
    store_text,
)

SECONDS = Key(Kind.WHOLE, 10, low=1, high=600, unit="seconds")
WORDS = Key(Kind.CHOICE, "true", choices=("true", "false", "force-logout"))
NAMES = Key(Kind.NAMES, (), check=plain_name)
MEMBERS = Key(Kind.MEMBERS, None, check=plain_name)


@pytest.mark.parametrize(
    ("key", "given", "read"),
    [
        (SECONDS, 1, 1),
        (SECONDS, 600, 600),
        (Key(Kind.FLAG), True, True),
        (Key(Kind.FLAG), "No", False),
        (Key(Kind.FLAG), "yes", True),
        (WORDS, False, "false"),
        (WORDS, "force-logout", "force-logout"),
        (NAMES, "email, chat,,", ("email", "chat")),
        (NAMES, ["a, b", "c"], ("a, b", "c")),
        (NAMES, "", ()),
        (
            MEMBERS,
            {"sales": ["kim", "lee"], "hall": "a,b"},
            {"sales": ("kim", "lee"), "hall": ("a", "b")},
        ),
        (Key(Kind.TEXT), "", ""),
    ],
)
def test_a_value_that_fits_is_read(key: Key, given: object, read: object) -> None:
    assert key.read(given) == read


@pytest.mark.parametrize(
    ("key", "given", "said"),
    [
        (
            SECONDS,
            0,
            "the number 0 is out of range: expected a whole number of seconds from 1 to 600",
        ),
        (WORDS, 1, "not the number 1"),
        (Key(Kind.CHOICE, "a", choices=("a", "b")), True, 'expected one of "a", "b", not true'),
        (NAMES, ["email", 5], "not one with the number 5 in it"),
        (SECONDS, 601, "out of range"),
        (SECONDS, 10**40, "a huge number is out of range"),
        (SECONDS, True, "expected a whole number of seconds from 1 to 600, not true"),
        (SECONDS, "10", 'not the text "10"'),
        (SECONDS, 1.5, "not the number 1.5"),
        (Key(Kind.FLAG), "maybe", 'expected true or false, not the text "maybe"'),
        (Key(Kind.FLAG), 1, "expected true or false"),
        (WORDS, "force-logut", 'did you mean "force-logout"?'),
        (WORDS, 3, 'expected one of "true", "false", "force-logout", not the number 3'),
        (NAMES, ["a", "a"], 'the text "a" is named more than once'),
        (NAMES, [1], "expected a list of names"),
        (NAMES, [" a"], "no blanks at its ends"),
        (NAMES, {}, "not a table"),
        (Key(Kind.NAMES, low=1), [], "at least one name"),
        (MEMBERS, [], "expected a table in which each name has a list of names, not a list"),
        (MEMBERS, {"sales": 1}, "expected a table in which"),
        (Key(Kind.TEXT, words="the path of a PEM file"), 7, "expected the path of a PEM file, not"),
        (Key(Kind.TEXT, check=filled), " ", "not an empty text"),
    ],
)
def test_a_value_that_does_not_fit_is_told_what_was_expected(
    key: Key, given: object, said: str
) -> None:
    with pytest.raises(Unfit, match=r"^[^\n]+$") as raised:
        key.read(given)
    assert said in str(raised.value)


@pytest.mark.parametrize("name", ["", " a", "a\n", "a\0", "n" * 256, "é" * 128, "\u200b"])
def test_a_name_that_cannot_travel_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="expected a name"):
        plain_name(name)


def test_a_name_may_have_any_printable_letter_up_to_255_bytes() -> None:
    plain_name("Credit reporting, credit repair / é 漢")
    plain_name("é" * 127)


@pytest.mark.parametrize(
    "rate", ["", "10/second", "25/minute", "1000/hour", "60000/minute", "0/hour"]
)
def test_a_rate_counts_by_a_unit_of_time(rate: str) -> None:
    rate_text(rate)


@pytest.mark.parametrize(
    ("rate", "per_second"),
    [("", None), ("10/second", 10.0), ("30/minute", 0.5), ("1800/hour", 0.5), ("0/hour", 0.0)],
)
def test_a_rate_is_so_many_a_second(rate: str, per_second: float | None) -> None:
    assert rate_of(rate) == per_second


@pytest.mark.parametrize(
    "rate", ["10", "10/day", "1001/second", "60001/minute", "-1/hour", "x/hour"]
)
def test_a_rate_beyond_the_ceiling_or_without_a_unit_is_refused(rate: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        rate_text(rate)


@pytest.mark.parametrize("store", ["sqlite:/x.db", "sqlite::memory:", "postgresql://host/name"])
def test_a_store_is_a_kind_and_a_place(store: str) -> None:
    store_text(store)


@pytest.mark.parametrize("store", ["", "x.db", "sqlite:", ":memory:", "SQL:x"])
def test_a_store_without_a_kind_or_a_place_is_refused(store: str) -> None:
    with pytest.raises(ValueError, match="a kind and a place"):
        store_text(store)



def test_a_number_that_python_refuses_to_print_is_shown_all_the_same() -> None:
    assert shown(10**5000) == "a huge number"


def test_what_somebody_wrote_is_shown_in_one_short_line() -> None:
    assert shown("a\nb") == 'the text "a?b"'
    assert len(shown("n" * 500)) < 80
    assert clean("abcdef", 5) == "ab..."
    assert shown([]) == "a list"
    assert shown({}) == "a table"
