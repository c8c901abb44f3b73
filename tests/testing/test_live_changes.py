"""The deployment changes under a whole cluster while clients work: nobody notices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ixproxy import messages as m
from ixproxy.core.link_states import State
from ixproxy.core.settings import ProxySettings
from ixproxy.errors import Code, RequestRefused
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.live_changes import (
    add_node,
    change_node,
    change_tenants,
    drain,
    remove_node,
    rename_node,
)
from ixproxy.testing.tenants import TENANT as PLAN
from ixproxy.values import NodeName, id_origin
from tests.memory_loads import TENANT, MemoryLoad

CHAT = frozenset({"chat"})
UNKNOWN = Code.UNKNOWN_INTERACTION


@pytest.fixture(params=[3, 4])
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    made = Cluster(seed=request.param, nodes=3, proxies=2)
    yield made
    made.close()


def submit(tenant: int = TENANT, queue: str = "Second") -> m.RequestSubmit:
    return m.RequestSubmit(tenant_id=tenant, media_type="email", queue=queue)


def properties(identifier: str) -> m.RequestGetInteractionProperties:
    return m.RequestGetInteractionProperties(tenant_id=TENANT, interaction_id=identifier)


def code_of(cluster: Cluster, asked: object) -> int:
    with pytest.raises(RequestRefused) as refused:
        cluster.finish(asked)  # type: ignore[arg-type]
    return refused.value.code


def loaded(cluster: Cluster) -> MemoryLoad:
    """Media servers and workers on both proxies, already at work."""
    load = MemoryLoad(cluster)
    for proxy in (0, 1):
        load.submit(proxy)
        load.submit(proxy, "chat", lanes=2)
        load.work(proxy)
    load.go_on()
    return load


def ended(load: MemoryLoad, gone: int = 0) -> None:
    """
    Whatever changed, all is answered, nobody connected anew, and the books are right.

    :param gone: the dbid of a node that was removed with what it had: nobody
        knows that any more.
    """
    load.end()
    ours = {each for each in load.ledger.vanished if id_origin(each) != gone}
    load.ledger.vanished &= ours
    assert load.unanswered() == 0
    assert load.reconnected() == []
    assert load.wrong() == []


def test_nodes_come_and_go_and_media_types_move_and_nobody_notices(cluster: Cluster) -> None:
    """Test ideas 64, 8 and 9, and "live changes under load" without processes."""
    load = loaded(cluster)

    added = add_node(cluster)
    cluster.settled()
    assert 104 in {node for _, node in load.chosen()}

    change_node(cluster, 0, media_types=CHAT)
    chosen = load.chosen()
    assert ("email", 101) not in chosen
    assert ("chat", 101) in chosen

    drain(cluster, 1)
    load.until(lambda: load.left_on(1) == 0, "the drained node is never empty")
    remove_node(cluster, 1)
    cluster.kill_node(1)
    assert 102 not in {node for _, node in load.chosen()}
    assert cluster.nodes[added].name == "node4"
    ended(load)
    # A pull that was just at the removed node may have taken something, for all one knows.
    refused = {(name, code) for name, code in load.ledger.outcomes if code}
    assert refused <= {("RequestPull", int(Code.LOST_CONNECTION))}


def kept_on(cluster: Cluster, number: int, queue: str = "Second") -> str:
    """An interaction on one node, in a queue where the load does not see it."""
    client = cluster.client("mail", "MediaServer", proxy=0)
    identifier = ""
    while id_origin(identifier) != cluster.nodes[number].dbid:
        identifier = cluster.finish(client.request(submit(queue=queue))).interaction_id
    cluster.finish(client.close())
    return identifier


def test_a_node_that_owns_cached_ids_is_removed_while_it_is_asked(cluster: Cluster) -> None:
    """Test idea 64, the removed node: in flight is 2002, afterwards nobody has it."""
    load = loaded(cluster)
    kept = kept_on(cluster, 2)
    client = cluster.client("desk", "AgentApplication", proxy=0)
    cluster.finish(client.request(properties(kept)))
    asked = [client.request(properties(kept)) for _ in range(5)]
    # They are on their way to the node, which does not answer any more.
    cluster.network.cut("node3", "proxy1")
    cluster.run(0.05)
    remove_node(cluster, 2)
    assert {code_of(cluster, each) for each in asked} == {Code.LOST_CONNECTION}
    assert code_of(cluster, client.request(properties(kept))) == UNKNOWN
    load.go_on()
    ended(load, gone=103)
    assert client.incarnation == 1
    # What was pulled from the removed node cannot be stopped any more.
    assert set(load.ledger.codes()) <= {Code.LOST_CONNECTION, Code.NOT_ACCESSIBLE, UNKNOWN}


def test_a_removed_media_type_is_still_routed_by_id(cluster: Cluster) -> None:
    """Test idea 8, while submits flow."""
    load = loaded(cluster)
    old = kept_on(cluster, 0)
    change_node(cluster, 0, media_types=CHAT)
    load.go_on()
    client = cluster.client("mail", "MediaServer", proxy=1)
    cluster.finish(client.request(properties(old)))
    ended(load)
    assert load.ledger.codes() == {}


def test_nodes_that_take_no_submits_serve_what_they_have(cluster: Cluster) -> None:
    """Test idea 9, while agents work: all off is 2001, and on again is as before."""
    load = loaded(cluster)
    kept = kept_on(cluster, 1)
    client = cluster.client("mail", "MediaServer", proxy=1)
    for number in range(3):
        drain(cluster, number)
    assert code_of(cluster, client.request(submit())) == Code.NO_SERVERS
    load.until(lambda: not load.waiting(), "it is never worked off")
    cluster.finish(client.request(properties(kept)))
    change_node(cluster, 0, enable_submit=True)
    assert id_origin(cluster.finish(client.request(submit())).interaction_id) == 101
    load.go_on()
    ended(load)
    assert set(load.ledger.codes()) == {Code.NO_SERVERS}


def test_a_node_may_get_another_name_while_clients_hold_what_it_has(cluster: Cluster) -> None:
    load = loaded(cluster)
    rename_node(cluster, 0, "east")
    cluster.settled()
    load.go_on()
    assert all("east" in proxy.core.state.links for proxy in cluster.proxies if proxy.core)
    ended(load)
    cluster.run(80)
    assert cluster.problems() == []
    assert set(load.ledger.codes()) <= {Code.LOST_CONNECTION, Code.NOT_ACCESSIBLE}


def test_two_nodes_may_change_places(cluster: Cluster) -> None:
    load = loaded(cluster)
    first, second = (cluster.deployment.nodes[NodeName(f"node{each}")] for each in (1, 2))
    nodes = dict(cluster.deployment.nodes)
    nodes[first.name] = replace(first, pairs=second.pairs, dbid=102)
    nodes[second.name] = replace(second, pairs=first.pairs, dbid=101)
    cluster.change(replace(cluster.deployment, nodes=nodes))
    cluster.settled()
    load.go_on()
    ended(load)
    cluster.run(80)
    assert cluster.problems() == []
    assert set(load.ledger.codes()) <= {Code.LOST_CONNECTION, Code.NOT_ACCESSIBLE}


def joining(cluster: Cluster, name: str) -> bool:
    cores = [proxy.core for proxy in cluster.proxies if proxy.core]
    return any(core.state.links[NodeName(name)].state is State.JOINING for core in cores)


def test_a_node_is_removed_while_it_joins_and_named_again(cluster: Cluster) -> None:
    load = loaded(cluster)
    cluster.kill_node(2)
    load.go_on()
    cluster.start_node(2)
    cluster.run_until(lambda: joining(cluster, "node3"), "it never joins")
    nodes = cluster.deployment
    remove_node(cluster, 2)
    load.go_on()
    cluster.change(nodes)
    cluster.settled()
    load.go_on()
    ended(load)
    cluster.run(80)
    assert cluster.problems() == []


def test_agents_stay_logged_in_when_nodes_come_and_go(cluster: Cluster) -> None:
    load = loaded(cluster)
    agent = cluster.client("desk", "AgentApplication", proxy=0)
    login = m.RequestAgentLogin(
        tenant_id=TENANT, agent_id="kim", place_id="desk-1", media_list={"email": 1}
    )
    cluster.finish(agent.request(login))
    added = add_node(cluster)
    cluster.settled()
    assert "kim" in [row["agent_id"] for row in cluster.nodes[added].rows("agents")]
    remove_node(cluster, 0)
    load.go_on()
    ready = m.RequestNotReadyForMedia(tenant_id=TENANT, agent_id="kim", media_type_name="email")
    cluster.finish(agent.request(ready))
    cluster.finish(agent.request(m.RequestAgentLogout(tenant_id=TENANT, agent_id="kim")))
    ended(load, gone=101)


def test_a_removed_tenant_is_not_known_and_one_that_comes_back_is() -> None:
    other = replace(PLAN, id=2, name="Branch")
    cluster = Cluster(seed=5, nodes=2, proxies=2, tenants=(PLAN, other))
    load = loaded(cluster)
    theirs = cluster.client("branch", "MediaServer", proxy=0, tenants=[2])
    everybody = cluster.client("all", "MediaServer", proxy=1)
    request = submit(tenant=2)
    cluster.finish(theirs.request(request))
    change_tenants(cluster, (PLAN,))
    load.go_on()
    for client in (theirs, everybody):
        assert code_of(cluster, client.request(request)) == Code.NOT_ACCESSIBLE
    cluster.finish(everybody.request(submit()))
    change_tenants(cluster, (PLAN, other))
    load.go_on()
    for client in (theirs, everybody):
        assert cluster.finish(client.request(request)).interaction_id
        assert client.incarnation == 1
    ended(load)
    cluster.close()


def test_a_change_reaches_a_proxy_that_is_started_later() -> None:
    cluster = Cluster(seed=6, nodes=2, proxies=1, proxy_settings=ProxySettings())
    cluster.kill_proxy(0)
    remove_node(cluster, 1)
    cluster.start_proxy(0)
    core = cluster.proxies[0].core
    assert core is not None
    assert list(core.state.links) == ["node1"]
    cluster.close()
