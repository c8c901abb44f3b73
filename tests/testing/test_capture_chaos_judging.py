"""The verdict of capture chaos: whatever is wrong is found, and what is right is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ixproxy.testing.capture_chaos_judging import Found, Promises, judge
from ixproxy.testing.capture_chaos_words import Given, Sort, Told

GIVEN = [
    Given("a"), Given("b"), Given("two", Sort.TWO), Given("half", Sort.HALF),
    Given("torn", Sort.TORN), Given("verb", Sort.VERB), Given("nowhere", Sort.REFUSED),
]  # fmt: skip
ROWS = {"a": ["I1"], "b": ["I2"], "two.1": ["I3"], "two.2": ["I4"], "half.1": ["I5"]}


def told(*more: Told) -> list[Told]:
    replies = [Told("submitted", id, f"101-{row[1:]}", row) for id, (row,) in ROWS.items()]
    refused = [Told("error", "half.2", "101-6"), Told("error", "nowhere", "101-7")]
    return [*replies, *refused, Told("held", "a", "101-8", "I1"), *more]


RIGHT = Found(
    rows=ROWS,
    left=0,
    outbox=0,
    errors={
        "torn": ["line 1: not well-formed"],
        "verb": ["the operation 'explode'"],
        "nowhere": ["3032: no such queue: Nowhere"],
    },
    told=told(),
    copies={"a": 1, "b": 1, "two": 1, "half": 1},
    held=frozenset({"a"}),
    tried=frozenset({"a", "b"}),
)
PROMISES = Promises(ordered=True)


def test_a_run_in_which_all_is_right_has_no_blemish() -> None:
    verdict = judge(GIVEN, RIGHT, PROMISES)
    assert verdict.sentences() == []
    assert {what for what, many in verdict.figures.items() if many} == {"held by others"}


def without(key: str, of: dict[str, Any]) -> dict[str, Any]:
    return {each: value for each, value in of.items() if each != key}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"rows": without("two.2", ROWS)}, "1 lost: two.2"),
        ({"rows": ROWS | {"a": ["I1", "I9"]}}, "1 doubled: a"),
        ({"rows": ROWS | {"torn": ["I9"]}}, "1 strange interactions: torn"),
        ({"left": 1}, "1 stranded in the source: documents"),
        ({"outbox": 1}, "1 left in the outbox: notifications"),
        (
            {"errors": without("torn", dict(RIGHT.errors))},
            "1 bad documents not in the error place: torn",
        ),
        (
            {"errors": {**RIGHT.errors, "b": ["delivered too often"]}},
            "1 good documents in the error place: b",
        ),
        ({"errors": {**RIGHT.errors, "torn": [""]}}, "1 without the right reason: torn ('')"),
        ({"copies": {"a": 1, "two": 1, "half": 1}}, "1 without a copy: b"),
        ({"copies": {**(RIGHT.copies or {}), "nowhere": 1}}, "1 copies of nobody: nowhere"),
        ({"told": told()[1:]}, "1 without a reply: a"),
        (
            {"told": told(Told("submitted", "b", "101-9", "I2"))},
            "1 replied to twice: submitted b",
        ),
        ({"told": told(Told("error", "b", "101-9"))}, "1 strange replies: error b"),
        (
            {"told": told(Told("unreadable: line 1", "", ""))},
            "1 unreadable notifications: unreadable: line 1",
        ),
        ({"told": told(Told("held", "b", "101-0", "I2"))}, "1 told out of order: 101-0"),
        (
            {"told": told(Told("submitted", "b", "101-2", "I9"))},
            "1 told of interactions that there are not: b (I9)",
        ),
        ({"held": frozenset({"a", "b"})}, "1 not told that others hold it: b"),
        ({"tried": frozenset()}, "1 told of holds that there were not: a"),
        ({"told": told(Told("held", "a", "101-9", "I1"))}, "1 told of one hold twice: a"),
    ],
)
def test_whatever_is_wrong_is_found(change: dict[str, Any], sentence: str) -> None:
    assert sentence in judge(GIVEN, replace(RIGHT, **change), PROMISES).sentences()


def test_the_same_thing_may_be_told_again_unless_that_was_promised() -> None:
    found = replace(RIGHT, told=told(told()[0], told()[-1]))
    figures = judge(GIVEN, found, PROMISES).figures
    assert (figures["told again"], figures["told again unasked"]) == (2, 1)
    assert judge(GIVEN, found, PROMISES).sentences() == []
    once = judge(GIVEN, found, replace(PROMISES, tell_once=True))
    assert once.sentences() == ["1 told again unasked: held 101-8"]


def test_a_source_may_hear_of_bad_documents_as_a_whole() -> None:
    torn, again, verb = (
        Told("error", "", f"101-{number}", document=name)
        for number, name in ((9, "torn"), (10, "torn"), (11, "verb"))
    )
    heard = replace(RIGHT, told=told(torn, again, verb))
    promises = replace(PROMISES, told_of_bad=True)
    assert judge(GIVEN, heard, promises).sentences() == []
    assert judge(GIVEN, heard, PROMISES).sentences() == ["1 strange replies: error "]
    missed = replace(RIGHT, told=told(torn, again))
    assert judge(GIVEN, missed, promises).sentences() == [
        "1 bad documents without a reply: documents"
    ]


def test_what_is_told_at_most_once_may_not_arrive_but_replies_do() -> None:
    found = replace(RIGHT, told=told()[1:-1])
    verdict = judge(GIVEN, found, replace(PROMISES, tell_once=True))
    assert verdict.sentences() == ["1 without a reply: a"]
    assert verdict.figures["not told that others hold it"] == 1


def test_without_receipts_documents_may_be_doubled_and_are_counted() -> None:
    twice = replace(
        RIGHT,
        rows=ROWS | {"b": ["I2", "I9"]},
        told=told(Told("submitted", "b", "101-9", "I9")),
    )
    verdict = judge(GIVEN, twice, replace(PROMISES, once=False))
    assert verdict.sentences() == []
    assert verdict.figures["doubled"] == 1


def test_what_its_source_holds_twice_is_two_documents_unless_external_ids_count() -> None:
    found = replace(
        RIGHT,
        rows=ROWS | {"b": ["I2", "I9"]},
        told=told(Told("submitted", "b", "101-9", "I9")),
        documents={"b": 2},
    )
    assert judge(GIVEN, found, PROMISES).sentences() == []
    assert judge(GIVEN, replace(found, rows=ROWS, told=told()), PROMISES).sentences() == [
        "1 lost: b"
    ]
    by_id = judge(GIVEN, found, replace(PROMISES, by_external_id=True))
    assert "1 doubled: b" in by_id.sentences()


def test_what_was_not_promised_is_not_asked_for() -> None:
    found = replace(RIGHT, told=[], copies=None)
    promises = Promises(replies=False, notified=False)
    assert judge(GIVEN, found, promises).sentences() == []
