"""Books are compared, and what is wrong is found."""

from __future__ import annotations

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import RequestStopProcessing
from tests.ledgers import Books, Ledger, stray_parts, wrong_entries


def sound() -> tuple[Ledger, Books]:
    """One that lies there, one that was stopped, and two that are in doubt."""
    ledger = Ledger(acknowledged={1: "a", 2: "b"}, doubtful={3, 4})
    ledger.was_stopped("b")
    books = Books(nodes_of={"a": ["ixn1"], "c": ["ixn2"]}, ids_of={1: ["a"], 3: ["c"]})
    return ledger, books


def test_nothing_is_wrong_where_nothing_is() -> None:
    assert wrong_entries(*sound()) == []


def test_what_is_lost_doubled_or_never_was_is_found() -> None:
    ledger, books = sound()
    del books.nodes_of["a"], books.ids_of[1]
    assert wrong_entries(ledger, books) == ["a of submit 1 was acknowledged, and is lost"]

    ledger, books = sound()
    books.nodes_of["a"].append("ixn2")
    books.ids_of[3].append("d")
    assert wrong_entries(ledger, books) == [
        "a is on ['ixn1', 'ixn2']",
        "submit 3 is there as ['c', 'd']",
    ]

    ledger, books = sound()
    books.nodes_of["b"] = ["ixn1"]
    books.ids_of[2] = ["b"]
    assert wrong_entries(ledger, books) == ["b was stopped, and is there"]

    ledger, books = sound()
    books.ids_of[1] = ["c"]
    assert "a is not that of submit 1: ['c']" in wrong_entries(ledger, books)


def test_a_refusal_that_was_carried_out_is_found() -> None:
    ledger, books = sound()
    ledger.doubtful.discard(3)
    assert wrong_entries(ledger, books) == ["submit 3 was never acknowledged, and is there"]
    ledger.refused.add(3)
    assert "submit 3 was refused, and is there as ['c']" in wrong_entries(ledger, books)


def test_an_id_that_is_stopped_twice_or_unknown_too_early_is_found() -> None:
    ledger, books = sound()
    unknown = RequestRefused(Code.UNKNOWN_INTERACTION)
    ledger.perhaps_stopped.add("x")
    for identifier in ("a", "x"):
        ledger.was_answered(RequestStopProcessing(interaction_id=identifier), unknown)
    ledger.was_stopped("b")
    assert wrong_entries(ledger, books) == ["b was stopped twice", "a was unknown too early"]


def test_who_holds_what_is_compared_both_ways() -> None:
    books = Books(out={"a", "b"}, parts={("a", b"1", 7), ("c", b"1", 8)})
    assert stray_parts(books, {("a", b"1", 7), ("d", b"2", 9)}) == (
        {("c", b"1", 8)},
        {("d", b"2", 9)},
        {"b", "c"},
    )
    books = Books(out={"a"}, parts={("a", b"1", 7)})
    assert not any(stray_parts(books, {("a", b"1", 7)}))
