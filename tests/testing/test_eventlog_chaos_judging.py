"""The verdict on event logs: whatever is wrong is found, and what is right is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ixproxy.testing.chaos_books import Books
from ixproxy.testing.eventlog_chaos_judging import STOPPED, SUBMITTED, Truth, judge
from ixproxy.testing.eventlog_chaos_rows import Gap, Logged, Name, Row

PLACED = "EventPlacedInQueue"
EVENTS: dict[Name, Row] = {
    (101, 1, number): Row(event, float(number), "rpt_interaction", {"interaction_id": about})
    for number, event, about in (
        (1, SUBMITTED, "a"), (2, PLACED, "a"), (4, SUBMITTED, "b"), (5, PLACED, "b"),
    )
}  # fmt: skip
EVENTS[101, 2, 8] = Row(STOPPED, 8.0, "rpt_interaction", {"interaction_id": "a"})
GAP = Gap(101, 1, 2, 4, 2.0, 4.0, {PLACED: 1, SUBMITTED: 1})


def truth(**more: Any) -> Truth:
    books = Books()
    books.ids |= {"R1": {"a"}, "R2": {"b"}}
    books.ended["a"] = 1
    told = {(101, 1): SUBMITTED, (101, 8): STOPPED}
    usual: dict[str, Any] = {"books": books, "there": {"b"}, "told": told}
    return Truth(**(usual | more))


def without(*numbers: int) -> dict[Name, Row]:
    return {name: row for name, row in EVENTS.items() if name[2] not in numbers}


def changed(number: int, **other: Any) -> dict[Name, Row]:
    return {
        name: replace(row, **other) if name[2] == number else row for name, row in EVENTS.items()
    }


def test_logs_that_are_alike_and_true_have_no_blemish() -> None:
    verdict = judge(truth(), Logged(dict(EVENTS)), Logged(dict(EVENTS)))
    assert verdict.sentences() == []
    figures = {what: many for what, many in verdict.figures.items() if many}
    assert figures == {
        "events": 5,
        "acknowledged submits": 2,
        "acknowledged stops": 1,
        "told to a reporting client": 2,
        "epochs": 2,
    }


def test_what_was_dropped_and_told_so_is_not_lost() -> None:
    verdict = judge(truth(), Logged(dict(EVENTS)), Logged(without(2, 4), [GAP]))
    assert verdict.sentences() == []
    assert (verdict.figures["dropped"], verdict.figures["gaps"]) == (2, 1)


@pytest.mark.parametrize(
    ("shaken", "sentence"),
    [
        (Logged(without(5)), "1 lost: (101, 1, 5)"),
        (Logged(without(2, 4)), "2 lost: (101, 1, 2), (101, 1, 4)"),
        (Logged({**EVENTS, (101, 2, 9): EVENTS[101, 2, 8]}), "1 doubled: (101, 2, 9)"),
        (Logged(dict(EVENTS), twice=[(101, 1, 1)]), "1 doubled: (101, 1, 1)"),
        (Logged(changed(5, at=5.5)), "1 different: (101, 1, 5): at 5.0 and 5.5"),
        (
            Logged(changed(5, values={"interaction_id": "c"})),
            "1 different: (101, 1, 5): interaction_id 'b' and 'c'",
        ),
        (Logged(changed(5, table="rpt_agent")), "table 'rpt_interaction' and 'rpt_agent'"),
        (Logged(dict(EVENTS), [GAP]), "2 dropped and there: (101, 1, 2), (101, 1, 4)"),
        (
            Logged(without(2, 4), [replace(GAP, events={PLACED: 2, SUBMITTED: 1})]),
            "1 drops told wrongly: (2, 2.0, 4, 4.0, ",
        ),
        (Logged(without(2, 4), [replace(GAP, last=3)]), "1 lost: (101, 1, 4)"),
        (Logged(without(2, 4), [replace(GAP, first_time=2.5)]), "1 drops told wrongly: (2, 2.5"),
        (
            Logged(dict(EVENTS), [replace(GAP, first=6, last=7)]),
            "1 drops told wrongly: (6, 2.0, 7, 4.0, {'EventPlacedInQueue': 1, "
            "'EventInteractionSubmitted': 1}): nothing happened there",
        ),
        (Logged(without(2, 4), [replace(GAP, epoch=2)]), "2 lost: (101, 1, 2), (101, 1, 4)"),
    ],
)
def test_each_fault_of_the_log_that_was_away_is_found(shaken: Logged, sentence: str) -> None:
    assert sentence in "\n".join(judge(truth(), Logged(dict(EVENTS)), shaken).sentences())


@pytest.mark.parametrize(
    ("events", "known", "sentence"),
    [
        (without(1), truth(), "1 submits that are not in the log: a"),
        (without(8), truth(), "1 stops that are not in the log: a"),
        (without(8), truth(there={"a", "b"}), "1 stops that are not in the log: a"),
        (EVENTS, truth(there={"a", "b"}), "1 stops in the log of what is there: a"),
        (EVENTS, truth(there=set()), "1 stops that are not in the log: b"),
        (
            {**EVENTS, (101, 2, 9): EVENTS[101, 1, 4]},
            truth(),
            f"1 logged twice: ('{SUBMITTED}', 'b')",
        ),
        (
            {**EVENTS, (101, 2, 9): replace(EVENTS[101, 1, 4], values={"interaction_id": "c"})},
            truth(there={"b", "c"}),
            "1 submits that nobody was acknowledged: c",
        ),
        (
            EVENTS,
            truth(told={(101, 2): STOPPED, (101, 1): SUBMITTED}),
            f"1 told to a reporting client and not in the log: {STOPPED} (101, 2)",
        ),
        (
            {**EVENTS, (101, 2, 5): replace(EVENTS[101, 1, 5], event="EventHeld")},
            truth(),
            "1 numbers given again: 5 of epoch 2 of node 101, after 5",
        ),
    ],
)
def test_each_fault_of_the_log_that_was_never_away_is_found(
    events: dict[Name, Row], known: Truth, sentence: str
) -> None:
    verdict = judge(known, Logged(dict(events)), Logged(dict(events)))
    assert sentence in "\n".join(verdict.sentences())


def test_a_log_that_was_never_away_has_no_gap() -> None:
    both = Logged(without(2, 4), [GAP]), Logged(without(2, 4), [GAP])
    assert "1 events missing in the log that was never away" in "\n".join(
        judge(truth(), *both).sentences()
    )


def test_a_log_with_no_columns_is_compared_in_what_it_has() -> None:
    bare = {name: replace(row, values=None) for name, row in EVENTS.items()}
    assert judge(truth(), Logged(dict(EVENTS)), Logged(bare)).sentences() == []


def test_a_log_that_says_too_early_that_it_has_everything_is_found() -> None:
    logged = Logged(dict(EVENTS)), Logged(dict(EVENTS))
    rightly = Logged(without(5, 8), until={101: 5.0})
    dropped = Logged(without(2, 4, 5, 8), [GAP], until={101: 4.5})
    of_another = Logged(until={102: 99.0})
    looks = [rightly, dropped, of_another]
    verdict = judge(truth(), *logged, looks)
    assert (verdict.sentences(), verdict.figures["looks"]) == ([], 3)
    early = Logged(without(5, 8), until={101: 5.5})
    assert judge(truth(), *logged, [early]).sentences() == [
        "1 missing though the log said that it had all until later: (101, 1, 5), 0.500 s before"
    ]
