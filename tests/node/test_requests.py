from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages.message import Request
from ixproxy.node.requests import BY_THE_SERVER, LONG_RULES, RULES, needs_of, perform
from ixproxy.node.work import Asked, Goodbye, Registered, Sender, Tick, Work
from ixproxy.values import ClientType
from ixproxy.wire.names import ROWS, Kind
from ixproxy.wire.rights import RIGHTS
from tests.node.tried import TriedNode

SERVED = RULES.keys() | LONG_RULES.keys() | BY_THE_SERVER
OTHERS = [row.message for row in ROWS if row.kind is Kind.REQUEST and row.message not in SERVED]
AGENT = Sender(b"a" * 16, "desk", ClientType.AGENT_APPLICATION, frozenset({1}))
MAIL = Sender(b"m" * 16, "mail", ClientType.MEDIA_SERVER, frozenset({1}))


def test_every_request_of_the_catalogue_is_served_by_a_rule_or_by_the_server() -> None:
    assert OTHERS == []


@pytest.mark.parametrize("kind", sorted(BY_THE_SERVER, key=repr), ids=str)
def test_what_the_server_turns_into_other_work_is_no_request_here(
    node: TriedNode, kind: type[Request]
) -> None:
    request = (
        m.RequestRegisterClient(client_name="x", client_type="y")
        if kind is m.RequestRegisterClient
        else kind()
    )
    assert node.refusal(node.router(), request) == Code.UNSUPPORTED_YET


def needed(*works: Work) -> tuple[list[str], list[object], list[object]]:
    needs = needs_of(works)
    assert (needs.members, needs.documents, needs.named) == ([], [], {})
    return needs.ids, list(needs.receipts), list(needs.timers)


def test_requests_say_which_rows_they_need() -> None:
    by_id = {"tenant_id": 1, "interaction_id": "i"}
    change = m.RequestChangeProperties(tenant_id=1, interaction_id="i")
    assert needed(Asked(MAIL, change)) == (["i"], [], [])
    assert needed(Asked(AGENT, change)) == (["i"], [], [("handling", "i")])
    stop = m.RequestStopProcessing(**by_id)  # type: ignore[arg-type]
    assert needed(Asked(AGENT, stop)) == (["i"], [], [])
    assert needed(Asked(MAIL, m.RequestSubmit())) == ([], [], [])
    submit = m.RequestSubmit(tenant_id=1, interaction_id="j", submit_receipt="r")
    assert needed(Asked(MAIL, submit)) == (["j"], [(1, "mail", "r")], [])
    pull = m.RequestPull(pull_parameters={"a": "", "b": ""})
    assert needed(Asked(AGENT, pull)) == (["a", "b"], [], [])
    assert needed(Tick(), Goodbye(b"s"), Registered(MAIL)) == ([], [], [])
    assert needed(Asked(MAIL, m.RequestPing())) == ([], [], [])


def test_locking_and_unlocking_need_a_member_too() -> None:
    of = {"tenant_id": 1, "snapshot_id": 7, "interaction_id": "i"}
    for kind in (m.RequestLockInteraction, m.RequestUnlockInteraction):
        needs = needs_of([Asked(MAIL, kind(**of))])  # type: ignore[arg-type]
        assert (needs.ids, needs.members) == (["i"], [(7, "i")])


def test_a_batch_reads_what_its_requests_need_in_few_statements(
    node: TriedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    ids = [node.submit(mail) for _ in range(5)]
    node.pull_ids(ann, *ids)
    fetched: list[str] = []
    for name in ("fetch", "fetch_by"):
        monkeypatch.setattr(node.store, name, noting(getattr(node.store, name), fetched))
    node.run(*(Asked(ann, m.RequestHold(tenant_id=1, interaction_id=id), 0, id) for id in ids))
    assert fetched == ["interactions", "parties", "timers"]


def noting(fetch: Callable[..., Any], fetched: list[str]) -> Callable[..., Any]:
    """`fetch`, which notes the table that it is asked for."""

    def noted(table: str, *rest: Any) -> Any:
        fetched.append(table)
        return fetch(table, *rest)

    return noted


def test_a_tick_is_not_for_rules(node: TriedNode) -> None:
    with pytest.raises(TypeError, match="Tick"):
        perform(node.turn(), Tick())


def test_a_refusal_is_raised(node: TriedNode) -> None:
    with pytest.raises(RequestRefused):
        perform(node.turn(), Asked(MAIL, m.RequestDistributeEvent()))


def test_what_is_served_is_in_the_catalogue() -> None:
    assert RULES.keys() | LONG_RULES.keys() | BY_THE_SERVER <= set(RIGHTS)
    assert not RULES.keys() & LONG_RULES.keys()
    assert not (RULES.keys() | LONG_RULES.keys()) & BY_THE_SERVER
