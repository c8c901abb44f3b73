from __future__ import annotations

import pytest

from ixproxy.errors import Code, StorageError
from ixproxy.messages import RequestPing, RequestPull, RequestSubmit
from ixproxy.node.attempt import RECEIPTS_EVERY, Attempt, refused
from ixproxy.node.log_work import LogGrew
from ixproxy.node.work import (
    Announce,
    Answer,
    Asked,
    ClientsLost,
    ConnectionLost,
    Goodbye,
    PullRetried,
    Refuse,
    Registered,
    Tick,
    Work,
)
from tests.node.tried import TriedNode


def test_what_was_run_is_finished_or_taken_back(node: TriedNode) -> None:
    mail = node.media_server()
    standing = node.core._standing
    submit = RequestSubmit(tenant_id=1, media_type="email", queue="Inbound")
    number = node.core.last_event_number
    works = [Asked(mail, submit, 0, 1)]
    attempt = Attempt(standing, works, node.now, with_timers=True, with_pushes=True)
    attempt.run()
    assert node.core.last_event_number == number + 1
    outcome = attempt.finished()
    assert [type(each) for each in outcome.effects] == [Announce, Answer, LogGrew]
    assert outcome.pullable == {(1, "Inbound")}
    works = [Asked(mail, submit, 0, 1)]
    attempt = Attempt(standing, works, node.now, with_timers=True, with_pushes=True)
    node.store.commits = ["fails"]
    with pytest.raises(StorageError, match="disk"):
        attempt.run()
    attempt.take_back()
    assert node.core.last_event_number == number + 1
    assert standing.journal.mark() == 0


def test_timers_may_be_left_for_another_time(node: TriedNode) -> None:
    mail, router = node.media_server(), node.router()
    id = node.submit(mail)
    node.pull(router)
    later = node.now + 720 * 60
    attempt = Attempt(node.core._standing, [], later, with_timers=False, with_pushes=True)
    attempt.run()
    attempt.finished()
    assert node.kept(id).state == 2


def test_receipts_are_looked_at_now_and_then_only(node: TriedNode) -> None:
    node.wait(0)
    at = node.core._standing.receipts_at
    node.wait(RECEIPTS_EVERY - 1)
    assert node.core._standing.receipts_at == at
    node.wait(1)
    assert node.core._standing.receipts_at == node.now


def test_every_work_that_awaits_an_answer_can_be_refused(node: TriedNode) -> None:
    sender = node.router()
    answered: list[Work] = [
        Asked(sender, RequestPing(), 0, "t"),
        Registered(sender, 1, {}, "t"),
        ClientsLost((), "", "t"),
        Goodbye(b"s", "t"),
        PullRetried(sender, RequestPull(), "t"),
    ]
    for work in answered:
        assert refused(work, Code.STORE_UNCERTAIN) == [
            Refuse("t", Code.STORE_UNCERTAIN, "The outcome in the store is not known", True)
        ]
        assert refused(work, Code.STORE_UNCERTAIN, "why", False) == [
            Refuse("t", Code.STORE_UNCERTAIN, "why", False)
        ]
    silences: list[Work] = [Tick(), ConnectionLost(b"s"), Goodbye(b"s")]
    for silent in silences:
        assert refused(silent, Code.STORE_FAILED) == []
