"""Small worlds for the tests of the simulator: two nodes, one proxy, somebody of each sort."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ixproxy import messages as m
from ixproxy.testing.places import MemoryPlace
from ixproxy.testing.simulation.players import Asked, Player
from ixproxy.testing.simulation.rules import hold_to_rules
from ixproxy.testing.simulation.run import Run
from ixproxy.testing.simulation.worlds import World, drawn_world
from ixproxy.testing.steps import TENANT


def small_world(**others: Any) -> World:
    """Two nodes, one proxy, and one client of each sort."""
    usual: dict[str, Any] = {
        "nodes": 2,
        "proxies": 1,
        "outer": 0,
        "multiple": "true",
        "seats": None,
        "media": 1,
        "routers": 1,
        "desks": 1,
        "reporters": 1,
        "handling": 600.0,
        "pairs": False,
        "parking": 0.0,
        "services": False,
        "pushed": False,
        "router_restore": 0.5,
        "window": 2,
        "calling": 1.0,
        "snapshots": False,
    }
    return replace(drawn_world(1), **{**usual, **others})


@contextmanager
def running(**others: Any) -> Iterator[Run]:
    """A run that has begun."""
    run = Run(small_world(**others))
    hold_to_rules(run)
    try:
        run.begin()
        run.cluster.run(0.5)
        yield run
    finally:
        run.close()


def one(run: Run, sort: str) -> Player:
    """The first client of a sort."""
    return run.there(sort)[0]


def answered(run: Run, player: Player, request: Any, **more: Any) -> Asked:
    """What somebody asks is answered."""
    asked = run.ask(player, request, **more)
    run.cluster.run_until(lambda: asked.outcome is not None, "it is never answered")
    return asked


def submitted(run: Run, tag: int = 1) -> str:
    """The id of a new interaction."""
    run.marks = max(run.marks, tag)
    request = m.RequestSubmit(
        tenant_id=TENANT, media_type="email", queue="In", user_data={"tag": tag}
    )
    asked = answered(run, one(run, "mail"), request, marks=(f"tag {tag}",))
    assert isinstance(asked.outcome, m.EventAck), asked.outcome
    return asked.outcome.interaction_id


def pulled(run: Run, tag: int = 1) -> str:
    """The id of a new interaction that the router has."""
    identifier = submitted(run, tag)
    pull = m.RequestPull(tenant_id=TENANT, view_id="In/All", number_of_interactions=1)
    answered(run, one(run, "router"), pull)
    assert identifier in one(run, "router").here.holding
    return identifier


def logged_in(run: Run, agent: str = "anna") -> Player:
    """The desktop, with an agent."""
    desk = one(run, "desk")
    login = m.RequestAgentLogin(
        tenant_id=TENANT, agent_id=agent, place_id=f"place-{agent}", media_list={"email": 1}
    )
    desk.agents[agent] = None
    desk.ever.add(agent)
    assert isinstance(answered(run, desk, login).outcome, m.EventAck)
    return desk


def pushed_to(run: Run, strategies: tuple[str, ...] = ("Mail",), node: int = 0) -> Player:
    """A router that a node pushes to."""
    player = run.pushed.come(run.come, node, strategies)
    run.cluster.run_until(lambda: player.client is not None, "it never comes in")
    return player


def routed(run: Run, tag: int = 1) -> str:
    """The id of a new interaction where a view feeds routers."""
    run.marks = max(run.marks, tag)
    request = m.RequestSubmit(
        tenant_id=TENANT, media_type="email", queue="Routed", user_data={"tag": tag}
    )
    asked = answered(run, one(run, "mail"), request, marks=(f"tag {tag}",))
    assert isinstance(asked.outcome, m.EventAck), asked.outcome
    run.cluster.run(0.1)
    return asked.outcome.interaction_id


def execute(run: Run, node: int, statement: str) -> None:
    """Change a node's database behind its back."""
    place = run.cluster.nodes[node].place
    assert isinstance(place, MemoryPlace)
    connection = place.connect()
    try:
        connection.execute(statement)
        connection.commit()
    finally:
        place.release(connection)
