"""What a client says of itself anew while it is connected, and what may come in between."""

from __future__ import annotations

from ixproxy import messages as m
from ixproxy.errors import RequestRefused
from tests.client.servers import World
from tests.deferreds import failure_of, result_of

FAST = {"strategies": ["Fast"]}
MAIL = {"strategies": ["Mail"]}


def strategies(world: World) -> list[object]:
    """What registrations have said of them, in order."""
    return [one.extension.get("strategies") for one in world.server.registered]


def test_what_is_said_while_it_registers_again_is_said_too() -> None:
    world = World()
    client = world.client(client_type="RoutingEngine", extension=MAIL)
    first, second = client.register_again({"strategies": []}), client.register_again(FAST)
    world.rest()
    assert result_of(first) is None
    assert result_of(second) is None
    assert strategies(world) == [["Mail"], [], ["Fast"]]
    assert client.connected


def test_what_is_said_while_it_connects_is_said_too() -> None:
    world = World()
    client = world.client(client_type="RoutingEngine", extension=MAIL)
    world.server.silent = True
    world.lose()
    world.clock.run(1.5)
    assert result_of(client.register_again(FAST)) is None
    world.server.silent = False
    world.server.last.answer(m.EventAck(server=world.server.facts))
    world.rest()
    assert strategies(world) == [["Mail"], ["Mail"], ["Fast"]]
    assert client.connected


def test_who_is_not_answered_when_it_registers_again_connects_anew() -> None:
    world = World(attempt_timeout=4.0)
    client = world.client(client_type="RoutingEngine", extension=MAIL)
    world.server.silent = True
    said = client.register_again(FAST)
    world.clock.run(4.1)
    problem = failure_of(said, RequestRefused)
    assert isinstance(problem, RequestRefused)
    assert problem.in_doubt
    world.server.silent = False
    world.clock.run(2)
    assert client.connected
    assert world.server.connections[0].closed
    assert strategies(world) == [["Mail"], ["Fast"], ["Fast"]]


def test_who_says_goodbye_while_it_registers_again_is_gone() -> None:
    world = World()
    client = world.client(client_type="RoutingEngine", extension=MAIL)
    moved: list[object] = []
    client.on_connection(moved.append)
    said = client.register_again(FAST)
    closed = client.close()
    world.rest()
    assert result_of(closed) is None
    assert result_of(said) is None
    assert world.server.last.requests == [m.RequestUnregisterClient()]
    assert world.server.last.closed
    assert not client.connected
    assert moved == [None]


def test_who_loses_its_connection_while_it_registers_again_is_told_so() -> None:
    world = World()
    client = world.client(client_type="RoutingEngine", extension=MAIL)
    moved: list[object] = []
    client.on_connection(moved.append)
    world.server.silent = True
    said = client.register_again(FAST)
    world.clock.run(0.1)
    world.server.silent = False
    world.lose()
    world.clock.run(2)
    failure_of(said, RequestRefused)
    assert moved == [None, world.server.facts]
    assert strategies(world) == [["Mail"], ["Fast"], ["Fast"]]
