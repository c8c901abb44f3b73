"""The by-id decision table, exhaustively, and what waits behind a question."""

from __future__ import annotations

from itertools import product

import pytest

from ixproxy.core.locating import VERDICTS, Said, Verdict, verdict
from ixproxy.core.settings import Deployment
from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventError,
    EventInteractionProperties,
    RequestChangeProperties,
    RequestGetInteractionProperties,
    RequestLocate,
    RequestStopProcessing,
)
from ixproxy.values import NodeName, interaction_id
from tests.core.chained import UPSTREAM, Outer
from tests.core.rig import EAST, NODES, NORTH, TENANT, WEST, Rig, decode, facts, only

SAYS = ("ok", "not found", "refused", "silent", "lost", "switching over")
COMBINATIONS = [says for count in (1, 2, 3, 4) for says in product(SAYS, repeat=count)]


def ask_for(identifier: str) -> RequestGetInteractionProperties:
    return RequestGetInteractionProperties(tenant_id=TENANT, interaction_id=identifier)


def expected(says: tuple[str, ...]) -> int:
    """The table of the reference, in its own words: 0 stands for an answer."""
    found, unsure = says.count("ok"), len(says) - says.count("ok") - says.count("not found")
    if found > 1:
        return Code.MORE_THAN_ONE
    if found == 1:
        return 0
    return Code.NOT_ACCESSIBLE if unsure else Code.UNKNOWN_INTERACTION


def play(rig: Rig, nodes: tuple[NodeName, ...], says: tuple[str, ...]) -> None:
    """Every node does what it is to do when it is asked."""
    for node, said in zip(nodes, says, strict=True):
        for frame in rig.sent(node):
            assert isinstance(decode(frame), RequestLocate)
            if said == "ok":
                rig.answer(node, frame, EventAck(interaction_id=frame.interaction))
            elif said == "not found":
                rig.refuse(node, frame, Code.UNKNOWN_INTERACTION)
            elif said == "refused":
                rig.refuse(node, frame, Code.STORE_FAILED)
            elif said == "lost":
                rig.lose(node)
    if "silent" in says:
        rig.tick(8.0)


@pytest.mark.parametrize("cache", ["miss", "origin hint"])
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_a_request_whose_owner_is_unknown_is_decided_by_what_all_nodes_say(
    count: int, cache: str
) -> None:
    """Test idea 1: every combination of what 1 to 4 nodes may say or not."""
    nodes = tuple(sorted(NODES[:count]))
    for says in (says for says in COMBINATIONS if len(says) == count):
        rig = Rig([facts(node) for node in nodes])
        peer = rig.client()
        for node, said in zip(nodes, says, strict=True):
            if said == "switching over":
                rig.lose(node)
        hinted = rig.core.link(nodes[0]).facts.dbid
        identifier = interaction_id(hinted, 1, 7) if cache == "origin hint" else "mine-7"
        rig.ask(peer, ask_for(identifier))
        code, owner = expected(says), nodes[says.index("ok")] if "ok" in says else nodes[0]
        if cache == "origin hint" and says[0] == "ok":
            code, owner = 0, nodes[0]  # the hinted node's word is enough, as a cached owner's is
        if cache == "origin hint":
            play(rig, nodes[:1], says[:1])
        if cache == "miss" or says[0] != "ok":
            play(rig, nodes, says)
            rig.tick(8.0)
        if code == 0:
            frame = only(rig.sent(owner))
            rig.answer(owner, frame, EventInteractionProperties(interaction_id=identifier))
            assert isinstance(only(rig.got(peer)), EventInteractionProperties), says
        else:
            error = only(rig.got(peer))
            assert isinstance(error, EventError)
            assert error.error_code == code, says
        for node in nodes:
            assert not rig.sent(node), "a write, or a second question, was broadcast"


@pytest.mark.parametrize("fast_path", [True, False])
@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("ok", 0),
        ("not found", Code.UNKNOWN_INTERACTION),
        ("refused", Code.STORE_FAILED),
        ("silent", Code.LOST_CONNECTION),
        ("lost", Code.LOST_CONNECTION),
        ("switching over", Code.NOT_ACCESSIBLE),
    ],
)
@pytest.mark.parametrize("others", ["up", "down"])
def test_a_confirmed_owner_answers_alone_whatever_the_others_do(
    said: str, code: int, others: str, fast_path: bool
) -> None:
    """Test idea 2: with the owner cached, its word is definite; nobody else is asked."""
    rig = Rig(fast_path=fast_path)
    peer = rig.client()
    rig.core.state.owners.confirm(b"mine-7", NORTH)
    if others == "down":
        rig.lose(EAST)
        rig.lose(WEST)
    if said == "switching over":
        rig.lose(NORTH)
    rig.ask(peer, ask_for("mine-7"))
    for frame in rig.sent(NORTH):
        if said == "ok":
            rig.answer(NORTH, frame, EventInteractionProperties(interaction_id="mine-7"))
        elif said == "not found":
            rig.refuse(NORTH, frame, Code.UNKNOWN_INTERACTION)
        elif said == "refused":
            rig.refuse(NORTH, frame, Code.STORE_FAILED)
        elif said == "lost":
            rig.lose(NORTH)
    rig.tick(31.0)
    assert not rig.sent(EAST)
    assert not rig.sent(WEST)
    answer = only(rig.got(peer))
    assert (answer.error_code if isinstance(answer, EventError) else 0) == code


def test_a_new_proxy_knows_nothing_and_cannot_say_no_while_a_node_is_down() -> None:
    """Test idea 2, second half: the same question after a restart is 2003."""
    rig = Rig()
    peer = rig.client()
    rig.lose(WEST)
    rig.ask(peer, ask_for("mine-7"))
    rig.located(EAST, found=False)
    rig.located(NORTH, found=False)
    assert only(rig.got(peer)).error_code == Code.NOT_ACCESSIBLE


def test_two_owners_are_an_error_that_the_cache_does_not_hide() -> None:
    """Test idea 4: an id submitted to two nodes gives 2005 each time it is asked for."""
    rig = Rig()
    peer = rig.client()
    for _ in range(2):
        rig.ask(peer, ask_for("twice"))
        for node, found in ((EAST, True), (NORTH, False), (WEST, True)):
            rig.located(node, found)
        assert only(rig.got(peer)).error_code == Code.MORE_THAN_ONE


def test_a_stale_owner_says_no_once_and_is_then_located_anew() -> None:
    """Test idea 5: an id used again on another node after the first ended."""
    rig = Rig()
    peer = rig.client()
    rig.core.state.owners.confirm(b"mine-7", NORTH)
    rig.ask(peer, ask_for("mine-7"))
    rig.refuse(NORTH, only(rig.sent(NORTH)), Code.UNKNOWN_INTERACTION)
    assert only(rig.got(peer)).error_code == Code.UNKNOWN_INTERACTION
    rig.ask(peer, ask_for("mine-7"))
    for node, found in ((EAST, True), (NORTH, False), (WEST, False)):
        rig.located(node, found)
    rig.answer(EAST, only(rig.sent(EAST)), EventInteractionProperties(interaction_id="mine-7"))
    assert isinstance(only(rig.got(peer)), EventInteractionProperties)


def test_requests_for_one_id_share_one_question_and_keep_their_order() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, RequestChangeProperties(tenant_id=TENANT, interaction_id="mine-7"))
    rig.ask(peer, ask_for("mine-7"))
    rig.ask(peer, RequestStopProcessing(tenant_id=TENANT, interaction_id="mine-7"))
    for node, found in ((EAST, False), (NORTH, True), (WEST, False)):
        assert len(rig.to_node[node]) == 1
        rig.located(node, found)
    names = [type(decode(frame)) for frame in rig.sent(NORTH)]
    assert names == [
        RequestChangeProperties,
        RequestGetInteractionProperties,
        RequestStopProcessing,
    ]


def test_too_many_requests_behind_one_question_are_busy() -> None:
    rig = Rig(max_waiting_per_id=2)
    peer = rig.client()
    for _ in range(3):
        rig.ask(peer, ask_for("mine-7"))
    assert only(rig.got(peer)).error_code == Code.BUSY


def test_the_verdict_is_total() -> None:
    for says in product(Said, repeat=3):
        said = {NodeName(str(number)): each for number, each in enumerate(says)}
        assert isinstance(verdict(said), Verdict)
    assert len(VERDICTS) == 6


def test_a_tenant_without_nodes_has_no_servers() -> None:
    rig = Rig([facts(EAST, tenants=frozenset({2}))])
    peer = rig.client()
    rig.ask(peer, ask_for("mine-7"))
    assert only(rig.got(peer)).error_code == Code.NO_SERVERS


def change(rig: Rig, *nodes: NodeName) -> None:
    deployment = Deployment(rig.deployment.tenants, {node: facts(node) for node in nodes})
    rig.core.configuration_changed(rig.core.state.settings, deployment, rig.strategies, rig.now)
    rig.pump()


def test_a_node_that_said_yes_and_left_the_cluster_cannot_be_asked_any_more() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, ask_for("mine-7"))
    rig.located(EAST, found=True)
    change(rig, NORTH, WEST)
    rig.located(NORTH, found=False)
    rig.located(WEST, found=False)
    assert only(rig.got(peer)).error_code == Code.NOT_ACCESSIBLE
    assert rig.core.state.owners.of(b"mine-7") is None


def test_the_hinted_node_may_leave_while_it_is_asked() -> None:
    rig = Rig()
    peer = rig.client()
    identifier = interaction_id(101, 1, 7)
    rig.ask(peer, ask_for(identifier))
    assert not rig.to_node[NORTH]
    change(rig, NORTH, WEST)
    rig.located(NORTH, found=True)
    rig.located(WEST, found=False)
    assert len(rig.sent(NORTH)) == 1


def test_a_node_that_comes_while_all_are_asked_has_no_say() -> None:
    rig = Rig([facts(EAST), facts(NORTH)])
    peer = rig.client()
    rig.ask(peer, ask_for("mine-7"))
    rig.to_node[WEST] = []
    rig.numbers[WEST] = 0
    change(rig, EAST, NORTH, WEST)
    rig.located(EAST, found=False)
    rig.located(NORTH, found=True)
    assert len(rig.sent(NORTH)) == 1


def test_a_proxy_that_knows_of_two_owners_says_so_for_its_nodes() -> None:
    """An upstream proxy answers for many nodes: its 2005 is two of them that say yes."""
    rig = Outer()
    peer = rig.client()
    rig.ask(peer, ask_for("a"))
    rig.refuse(UPSTREAM, only(rig.sent(UPSTREAM)), Code.MORE_THAN_ONE)
    assert only(rig.got(peer)).error_code == Code.MORE_THAN_ONE
    assert verdict({EAST: Said.TWICE, WEST: Said.UNSURE}) is Verdict.MORE_THAN_ONE
