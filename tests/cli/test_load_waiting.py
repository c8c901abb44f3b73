"""How much waits in some queues."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock

from ixproxy.cli.load_ledger import Ledger
from ixproxy.cli.load_waiting import TRIES, count_queues, status_of, waiting_in
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import (
    EventAck,
    EventServerStatus,
    LinkStatus,
    NodeStatus,
    ProxyStatus,
    QueueStatus,
)
from tests.deferreds import result_of


def link(queues: dict[str, int], state: str = "linked", tenant: int = 1) -> LinkStatus:
    return LinkStatus(state=state, tenants=[tenant], queues={tenant: queues})


def proxy(*links: LinkStatus) -> EventServerStatus:
    return EventServerStatus(proxy_status=ProxyStatus(links=list(links)))


def test_a_proxy_adds_what_its_nodes_have() -> None:
    status = proxy(link({"A": 3, "B": 9}), link({"A": 4}), link({"A": 50}, tenant=2))
    assert waiting_in(status, 1, ["A"]) == 7
    assert waiting_in(status, 1, ["A", "B", "C"]) == 16


def test_with_a_node_away_it_is_not_known() -> None:
    assert waiting_in(proxy(link({"A": 3}), link({}, "down")), 1, ["A"]) is None
    assert waiting_in(proxy(link({"A": 3}), link({}, "down", 2)), 1, ["A"]) == 3
    assert waiting_in(EventServerStatus(), 1, ["A"]) is None


def test_a_node_says_what_it_has() -> None:
    queues = [
        QueueStatus(tenant_id=1, queue="A", waiting=3),
        QueueStatus(tenant_id=2, queue="A", waiting=5),
    ]
    assert waiting_in(EventServerStatus(node_status=NodeStatus(queues=queues)), 1, ["A"]) == 3


class Server:
    """Answers one thing after another, the last for ever."""

    server = None

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked = 0

    def request(self, message: object) -> Deferred[Any]:
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return fail(answer) if isinstance(answer, Exception) else succeed(answer)


def counted(server: Server, ledger: Ledger, before: EventServerStatus) -> float:
    clock = Clock()
    counting = Deferred.fromCoroutine(
        count_queues(clock, server, before, 1, ["A"], ledger)  # type: ignore[arg-type]
    )
    while not counting.called:
        clock.advance(1.0)
    result_of(counting)
    return clock.seconds()


def test_it_is_asked_until_nodes_have_said_it() -> None:
    ledger = Ledger(submitted=5)
    server = Server(proxy(link({"A": 1})), proxy(link({"A": 4})), proxy(link({"A": 6})))
    assert counted(server, ledger, proxy(link({"A": 1}))) == 3.0
    assert (ledger.waiting_before, ledger.waiting_after, ledger.right) == (1, 6, True)


def test_it_is_not_asked_for_ever() -> None:
    ledger = Ledger(submitted=5)
    assert counted(Server(proxy(link({"A": 1}))), ledger, proxy(link({"A": 1}))) == TRIES
    assert ledger.right is False


def test_where_it_is_not_known_it_is_not_waited_for() -> None:
    ledger = Ledger(submitted=5)
    refusing = Server(RequestRefused(Code.BAD_FRAME))
    assert counted(refusing, ledger, proxy(link({"A": 1}))) == 1.0
    assert counted(refusing, ledger, EventServerStatus()) == 0.0
    assert ledger.right is None
    for server in (refusing, Server(EventAck())):
        asked = Deferred.fromCoroutine(status_of(server))  # type: ignore[arg-type]
        assert result_of(asked) is None
