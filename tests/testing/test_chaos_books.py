"""What must never be is found, and what may be is not."""

from __future__ import annotations

from typing import Any

from ixproxy.errors import Code
from ixproxy.testing.chaos_books import (
    STOP,
    SUBMIT,
    Books,
    agents_apart,
    deposed_writers,
    doubled,
    ended_twice,
    lost,
    unanswered,
    unknown_too_early,
)
from ixproxy.testing.chaos_history import DONE, OPEN, Asked
from ixproxy.values import interaction_id

OLD, NEW, NEWER = (interaction_id(101, epoch, 1) for epoch in (3, 4, 5))


def request(name: str, asked: float = 0.0, code: int = DONE, **more: Any) -> Asked:
    answered = more.pop("answered", asked + 0.1)
    return Asked("somebody", name, asked, 30.0, answered=answered, code=code, **more)


def submit(receipt: str, *result: str, asked: float = 0.0, code: int = DONE, **more: Any) -> Asked:
    return request(SUBMIT, asked, code, receipt=receipt, result=result, **more)


def stop(about: str, code: int = DONE, **more: Any) -> Asked:
    return request(STOP, code=code, about=about, **more)


def test_what_was_acknowledged_is_there_or_was_ended() -> None:
    books = Books().read([submit("R1", "A"), submit("R2", "B"), submit("R3", "C"), stop("B")])
    assert lost(books, ["A"]) == ["C of R3 was acknowledged, and is lost"]
    assert lost(books, ["A", "C"]) == []


def test_an_end_in_doubt_or_without_an_answer_may_have_been() -> None:
    books = Books().read(
        [
            submit("R1", "A"),
            submit("R2", "B"),
            stop("A", Code.LOST_CONNECTION, in_doubt=True),
            stop("B", OPEN),
        ]
    )
    assert lost(books, []) == []


def test_a_document_is_one_interaction_on_one_node() -> None:
    books = Books().read([submit("R1", "A"), submit("R1", "A"), submit("R2", "B")])
    assert doubled(books, []) == []
    books.seen["R2"].add("C")
    rows = [{"receipt": "R1", "interaction_id": "D"}]
    there = [{"id": "E", "node": "ixn1"}, {"id": "E", "node": "ixn2"}]
    assert doubled(books, rows, there) == [
        "R1 became ['A', 'D']",
        "R2 became ['B', 'C']",
        "E is on ['ixn1', 'ixn2']",
    ]


def test_an_interaction_is_ended_once() -> None:
    books = Books().read([stop("A"), stop("B"), stop("B"), stop("C", Code.UNKNOWN_INTERACTION)])
    assert ended_twice(books) == ["B was ended 2 times"]


def test_every_request_is_answered_in_its_time() -> None:
    history = [
        submit("R1", "A"),
        submit("R2", code=OPEN, asked=5.0),
        submit("R3", code=OPEN, asked=50.0),
        stop("B", Code.LOST_CONNECTION, answered=30.0),
    ]
    assert unanswered(history, now=60.0) == [
        "RequestSubmit of somebody about R2 has no answer",
        "RequestStopProcessing of somebody about B had no answer within 30 s (2002)",
    ]


def test_what_nobody_can_have_ended_is_known() -> None:
    history = [
        request("RequestChangeProperties", 1.0, Code.UNKNOWN_INTERACTION, about="A"),
        stop("A", asked=2.0),
        request("RequestChangeProperties", 3.0, Code.UNKNOWN_INTERACTION, about="A"),
        request("RequestChangeProperties", 3.0, Code.NOT_A_PARTY, about="B"),
    ]
    history[1].asked = 2.0
    assert unknown_too_early(history) == [
        "A was unknown to RequestChangeProperties of somebody, and nobody had ended it"
    ]


def test_a_deposed_primary_gives_out_no_id() -> None:
    history = [
        submit("R1", OLD, asked=1.0),
        submit("R2", NEW, asked=2.0),
        submit("R3", OLD, asked=3.0),
    ]
    (found,) = deposed_writers(history)
    assert "of R3 is of epoch 3, and was asked for when 4 had begun" in found


def test_a_receipt_of_an_older_epoch_is_still_answered_with_its_id() -> None:
    history = [
        submit("R1", asked=1.0, code=Code.LOST_CONNECTION),
        submit("R2", NEW, asked=2.0),
        submit("R1", OLD, asked=3.0),
        submit("R3", NEWER, asked=4.0),
    ]
    assert deposed_writers(history) == []


def agent(node: str, name: str, number: int = 1) -> dict[str, Any]:
    return {
        "node": node,
        "agent_id": name,
        "number": number,
        "dbid": 101,
        "place_id": "p",
        "donot_disturb": 0,
        "confirmed": 1,
    }


def test_nodes_agree_about_who_is_logged_in() -> None:
    nodes = ("ixn1", "ixn2")
    alike = [agent(node, "anna") for node in nodes]
    assert agents_apart(alike, nodes, ["anna"]) == []
    (missing,) = agents_apart(alike[:1], nodes, [])
    (other,) = agents_apart([alike[0], agent("ixn2", "anna", 2)], nodes, ["anna"])
    assert missing.startswith("anna is {")
    assert other.startswith("anna is {")
    assert agents_apart([], nodes, ["anna"]) == ["anna is logged in on no node, and believes to be"]
    provisional = {**agent("ixn1", "bert"), "confirmed": 0}
    assert agents_apart([*alike, provisional], nodes, []) == []
