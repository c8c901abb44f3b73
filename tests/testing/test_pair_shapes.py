"""A node's primary is gone, in every shape there is: what clients see, and how soon it is over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from ixproxy import messages as m
from ixproxy.client import Client
from ixproxy.core.links import Link
from ixproxy.errors import Code, RequestRefused
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.memory_servers import node_address
from tests.testing.spare_servers import SPARE, with_a_pair

SOON = 1.5
"""Seconds after a new primary listens in which its proxies are linked with it."""
SUBMIT = m.RequestSubmit(tenant_id=1, media_type="email", queue="In", user_data={"x": 1})
PULL = m.RequestPull(tenant_id=1, view_id="In/All")


class House:
    """A proxy, a node with two servers of which the first serves, and two clients."""

    def __init__(self, seed: int = 3) -> None:
        self.cluster = cluster = Cluster(seed, nodes=1, proxies=0)
        self.first, self.spare = cluster.nodes[0], with_a_pair(cluster)
        self.server = cluster.client("mail-1", "MediaServer", proxy=0)
        self.router = cluster.client("router-1", "RoutingEngine", proxy=0)
        self.ids = [self.submit() for _ in range(3)]
        self.taken = list(cluster.finish(self.router.request(PULL)).interactions)

    @property
    def link(self) -> Link:
        core = self.cluster.proxies[0].core
        assert core is not None
        (link,) = core.state.links.values()
        return link

    def submit(self) -> str:
        identifier = self.cluster.finish(self.server.request(SUBMIT)).interaction_id
        assert isinstance(identifier, str)
        return identifier

    def takes_over(self) -> float:
        """The spare server starts; seconds until the proxy works with it, once it listens."""
        # The first one is given up, whatever became of it: the lease is the other's.
        self.first.leases.owner = None
        self.spare.start()
        self.cluster.run_until(lambda: self.spare.listening, "it never listens")
        began = self.cluster.seconds()
        self.cluster.run_until(
            lambda: self.link.linked and self.link.server.name == SPARE, "it is never linked"
        )
        return self.cluster.seconds() - began

    def close(self) -> None:
        self.spare.kill()
        self.cluster.close()


def closes(house: House) -> None:
    """The primary is stopped in order: it closes its connections."""
    assert house.first.server is not None
    house.first.server.stopService()
    house.cluster.run(0.5)
    house.first.kill()


def crashes(house: House) -> None:
    """Its process dies: its kernel resets what was open, and refuses the rest."""
    house.first.kill()


def falls_silent(house: House) -> None:
    """Its process is stopped: connections last, new ones are taken, nothing is said."""
    house.cluster.network.stop(house.first.name)


def loses_power(house: House) -> None:
    """Its host is gone: the proxy's socket is half-open, and packets are dropped."""
    house.first.process.kill()
    house.cluster.network.vanish(house.first.name, power=False)
    house.cluster.cut("proxy1", house.first.name)


def is_cut_off(house: House) -> None:
    """The way to it is cut, and nobody is told."""
    house.cluster.cut("proxy1", house.first.name)


def does_not_listen(house: House) -> None:
    """Both processes live, and neither has the lease."""
    house.cluster.network.refuse(node_address(house.first.name))
    house.cluster.network.lose(house.first.name)


SHAPES = [closes, crashes, falls_silent, loses_power, is_cut_off]
shapes = pytest.mark.parametrize("goes", SHAPES, ids=lambda shape: shape.__name__)


@shapes
@pytest.mark.parametrize("after", [0.3, 12.0])
def test_a_backup_takes_over_and_is_found_at_once(
    goes: Callable[[House], None], after: float
) -> None:
    """Test idea 49 of the reference: clean close, silence, half-open socket; clients stay."""
    house = House()
    goes(house)
    house.cluster.run(after)
    assert house.takes_over() <= SOON
    house.cluster.network.resume(house.first.name)
    house.cluster.heal("proxy1", house.first.name)
    house.cluster.run(30.0)
    assert house.link.server.name == SPARE, "the older one is not gone back to"
    assert house.link.pair.moves == 1
    assert (house.server.incarnation, list(house.router.holding)) == (1, house.taken)
    house.ids.append(house.submit())
    for identifier in house.taken:
        stop = m.RequestStopProcessing(tenant_id=1, interaction_id=identifier)
        house.cluster.finish(house.router.request(stop))
    kept = {row["id"] for row in house.cluster.rows("interactions")}
    assert kept == set(house.ids) - set(house.taken)
    assert house.cluster.problems() == []
    house.close()


@shapes
def test_a_backup_that_comes_late_is_found_as_soon(goes: Callable[[House], None]) -> None:
    house = House()
    goes(house)
    for _ in range(5):
        house.cluster.run(100.0 + house.cluster.random.random())
        assert house.takes_over() <= SOON
        house.spare.kill()
    house.close()


@shapes
def test_what_was_in_flight_is_in_doubt_in_every_shape(goes: Callable[[House], None]) -> None:
    """Test idea 49 of the reference: one answer each, and always the same."""
    house = House()
    house.cluster.network.stop(house.first.name)
    asked = [house.server.request(SUBMIT, 100.0), house.router.request(PULL, 100.0)]
    house.cluster.run(0.1)
    goes(house)
    house.takes_over()
    assert [outcome(house.cluster, each) for each in asked] == [("refused", 2002, True)] * 2
    house.close()


def outcome(cluster: Cluster, asked: Deferred[Any]) -> tuple[Any, ...]:
    """What a client sees: the answer and what it says; or the code, and whether it is in doubt."""
    try:
        answer = cluster.finish(asked)
    except RequestRefused as refusal:
        return "refused", refusal.code, refusal.in_doubt
    return type(answer).__name__, getattr(answer, "interactions", None)


ASKED: dict[str, Callable[[House, Client, Client], Deferred[Any]]] = {
    "by id": lambda house, server, _: server.request(
        m.RequestGetInteractionProperties(tenant_id=1, interaction_id=house.ids[1])
    ),
    "write by id": lambda house, server, _: server.request(
        m.RequestChangeProperties(
            tenant_id=1, interaction_id=house.ids[1], changed_properties={"a": 1}
        )
    ),
    "locate": lambda _, server, __: server.request(
        m.RequestGetInteractionProperties(tenant_id=1, interaction_id="somewhere")
    ),
    "submit": lambda _, server, __: server.request(SUBMIT),
    "pull": lambda _, __, router: router.request(PULL),
    "pull by ids": lambda house, _, router: router.request(
        m.RequestPull(tenant_id=1, view_id="_system_", pull_parameters={house.ids[1]: ""})
    ),
    "gather": lambda _, server, __: server.request(
        m.RequestFindInteractions(tenant_id=1, media_type="email", condition="")
    ),
}
UNAVAILABLE = {
    "refused": crashes,
    "hanging": falls_silent,
    "pair without primary": does_not_listen,
    "backup only": loses_power,
}


def seen(shape: str, *, fresh: bool) -> dict[str, Any]:
    """What clients see in one shape, and that they see it at once."""
    house = House()
    cluster = house.cluster
    UNAVAILABLE[shape](house)
    cluster.run_until(lambda: not house.link.speaks, "the link is never given up", 100.0)
    if fresh:
        cluster.proxies[0].kill()
        cluster.proxies[0].start()
        cluster.run(5.0)
    cluster.run(20.0)
    server = cluster.client("mail-2", "MediaServer", proxy=0)
    router = cluster.client("router-2", "RoutingEngine", proxy=0)
    desk = cluster.client("desk-1", "AgentApplication", proxy=0)
    began = cluster.seconds()
    found = {what: outcome(cluster, ask(house, server, router)) for what, ask in ASKED.items()}
    login = m.RequestAgentLogin(tenant_id=1, agent_id="anna", media_list={"email": 1})
    found["agent login"] = outcome(cluster, desk.request(login))
    assert cluster.seconds() - began < 1.0
    house.close()
    return found


@pytest.mark.parametrize("fresh", [False, True], ids=["known before", "fresh proxy"])
def test_unavailable_is_the_same_to_clients_in_all_its_shapes(fresh: bool) -> None:
    """Test idea 50 of the reference: refused, hanging, pair without primary, backup only."""
    shapes = {shape: seen(shape, fresh=fresh) for shape in UNAVAILABLE}
    expected = dict.fromkeys((*ASKED, "agent login"), ("refused", Code.NOT_ACCESSIBLE, False))
    expected["submit"] = ("refused", Code.NO_SERVERS, False)
    for shape, found in shapes.items():
        assert found == expected, shape
