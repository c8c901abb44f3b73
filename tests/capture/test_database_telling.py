"""Notifications become statements, and each is written once in a term."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

from twisted.internet.defer import succeed

from ixproxy.capture.database_parameters import Dialect, read_statement
from ixproxy.capture.database_sessions import DatabaseTrouble, Session, Trouble
from ixproxy.capture.database_telling import Telling
from ixproxy.node.intake_work import Said
from ixproxy.testing.fake_intake import notification
from tests.deferreds import failure_of, result_of

QUERIES = {"held-update": read_statement("UPDATE t SET i = ?'InteractionId'", Dialect.SQLITE)}


class Writes:
    """A session that takes what it is not told to refuse."""

    def __init__(self) -> None:
        self.batches: list[list[Any]] = []
        self.bad: dict[str, Trouble] = {}

    def run_all(self, work: Any) -> None:
        for at, (_, values) in enumerate(work):
            if values[0] in self.bad:
                raise DatabaseTrouble(self.bad[values[0]], "no", at)
        self.batches.append([values[0] for _, values in work])

    def __call__(self, job: Callable[[Session], None]) -> Awaitable[None]:
        job(cast(Session, self))
        return succeed(None)


def held(*ids: str) -> list[Any]:
    return [notification(Said.HELD, id) for id in ids]


def test_what_has_no_query_is_left_out() -> None:
    telling = Telling(QUERIES, {}, 10)
    assert telling.work([notification(Said.RESUMED, "1")]) == []
    assert len(telling.work(held("1", "2"))) == 2


def test_so_many_go_into_one_transaction_and_none_comes_twice() -> None:
    telling, writes = Telling(QUERIES, {}, 2), Writes()
    told = held("1", "2", "3")
    result_of(telling.write(telling.work(told), writes))
    assert writes.batches == [["1", "2"], ["3"]]
    assert telling.work(told) == []
    assert telling.written == 3


def test_after_a_failure_only_the_rest_comes_again() -> None:
    telling, writes = Telling(QUERIES, {}, 2), Writes()
    told = held("1", "2", "3")
    writes.bad = {"3": Trouble.NOT_NOW}
    assert "held-update: no" in str(
        failure_of(telling.write(telling.work(told), writes), DatabaseTrouble)
    )
    writes.bad = {}
    result_of(telling.write(telling.work(told), writes))
    assert writes.batches == [["1", "2"], ["3"]]


def test_one_that_is_not_allowed_is_passed_over() -> None:
    telling, writes = Telling(QUERIES, {}, 9), Writes()
    writes.bad = {"2": Trouble.VALUES}
    result_of(telling.write(telling.work(held("1", "2", "3")), writes))
    assert writes.batches == [["1"], ["3"]]
    assert (telling.written, telling.refused) == (2, 1)
    assert telling.last_refusal == "held-update: no"
