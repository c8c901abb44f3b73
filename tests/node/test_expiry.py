from __future__ import annotations

from ixproxy.messages import RequestAgentLogin, RequestSubmit
from ixproxy.node.expiry import AT_A_TIME, next_ending
from ixproxy.node.work import ConnectionLost, Tick
from tests.node.tried import TriedNode


def test_many_timers_that_are_due_together_all_run(node: TriedNode) -> None:
    mail, router = node.media_server(), node.router()
    number = AT_A_TIME + 20
    for _ in range(number):
        node.submit(mail)
    taken = 0
    while taken < number:
        taken += len(node.pull(router, number_of_interactions=100))
    node.wait(720 * 60)
    assert len(node.told(router)) == number
    assert len(node.pull(router, number_of_interactions=100)) == 100


def test_a_tick_ends_sessions_that_did_not_come_back(node: TriedNode) -> None:
    first, second = node.router("ors-1"), node.router("ors-2")
    node.run(ConnectionLost(first.session))
    node.wait(30)
    node.run(ConnectionLost(second.session))
    node.wait(30)
    assert {row.session for row in node.sessions()} == {second.session}
    node.wait(30)
    assert node.sessions() == []


def test_unconfirmed_logins_end_after_ten_seconds(node: TriedNode) -> None:
    desk = node.desktop(through_proxy=True)
    request = RequestAgentLogin(tenant_id=1, agent_id="Ann", provisional=True)
    node.ask(desk, request)
    node.wait(9.9)
    assert len(node.agents()) == 1
    node.reported()
    node.wait(0.1)
    assert node.agents() == []
    assert node.reported() == []


def test_old_receipts_are_deleted_a_minute_apart(node: TriedNode) -> None:
    mail = node.media_server()
    node.submit(mail, submit_receipt="a")
    node.wait(24 * 3600 - 10)
    assert len(node.store.fetch_by("receipts", "tenant_id", [1])) == 1
    node.wait(20)
    assert len(node.store.fetch_by("receipts", "tenant_id", [1])) == 1
    node.wait(60)
    assert node.store.fetch_by("receipts", "tenant_id", [1]) == []


def test_a_receipt_at_its_end_counts_no_more_whether_deleted_or_not(node: TriedNode) -> None:
    mail = node.media_server()
    submit = RequestSubmit(tenant_id=1, media_type="email", queue="Inbound", submit_receipt="a")
    first = node.ask(mail, submit)
    node.now += 24 * 3600
    second = node.ask(mail, submit)
    assert not second.repeated
    assert second.interaction_id != first.interaction_id
    assert node.ask(mail, submit).interaction_id == second.interaction_id


def test_when_something_ends_next_is_known(node: TriedNode) -> None:
    standing = node.core._standing

    def ending() -> float | None:
        return next_ending(standing.memory, node.settings)

    assert ending() is None
    router, desk = node.router(), node.desktop(through_proxy=True)
    node.run(ConnectionLost(router.session))
    assert ending() == node.now + 60
    node.ask(desk, RequestAgentLogin(tenant_id=1, agent_id="Ann", provisional=True))
    assert ending() == node.now + 10
    node.run(Tick())
    node.wait(60)
    assert ending() is None
