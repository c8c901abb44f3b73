from __future__ import annotations

import gc
import weakref
from random import Random

from ixproxy.client import shared
from ixproxy.testing.clock import SteppingClock
from tests.client.servers import World


def test_clients_of_one_reactor_share_and_those_of_another_do_not() -> None:
    clock, other = SteppingClock(), SteppingClock()
    turn, alive = shared.turn_end(clock), shared.keep_alive(clock, 10.0, 30.0)
    assert shared.turn_end(clock) is turn
    assert shared.turn_end(other) is not turn
    assert shared.keep_alive(clock, 10.0, 30.0) is alive
    assert shared.keep_alive(clock, 5.0, 30.0) is not alive
    assert shared.keep_alive(other, 10.0, 30.0) is not alive


def test_nothing_of_it_outlives_those_who_use_it() -> None:
    clock = SteppingClock()
    turn, alive = shared.turn_end(clock), shared.keep_alive(clock, 10.0, 30.0)
    gone = weakref.ref(clock)
    del clock, turn, alive
    gc.collect()
    assert gone() is None


def test_a_reactor_on_which_something_still_waits_is_freed_with_it() -> None:
    clock = SteppingClock()
    turn, alive = shared.turn_end(clock), shared.keep_alive(clock, 10.0, 30.0)
    clock.callLater(5.0, turn.flush)
    clock.callLater(5.0, alive.start)
    gone = weakref.ref(clock)
    del clock, turn, alive
    gc.collect()
    assert gone() is None


def test_many_clients_have_one_timer_that_ends_with_the_last_connection() -> None:
    world = World()
    clients = [
        world.client(session=bytes([number]) * 16, random=Random(number)) for number in range(20)
    ]
    assert len(world.clock.getDelayedCalls()) == 1
    world.clock.run(25.0)
    assert all(client.connected for client in clients)
    for client in clients[:-1]:
        client.close()
    world.rest()
    assert len(world.clock.getDelayedCalls()) == 1
    clients[-1].close()
    world.rest()
    assert world.clock.getDelayedCalls() == []


def test_a_silent_server_is_given_up_by_each_of_its_clients() -> None:
    world = World()
    clients = [
        world.client(session=bytes([number]) * 16, random=Random(number)) for number in range(3)
    ]
    world.server.alive = False
    world.network.refuse("s:1")
    world.clock.run(39.0)
    assert all(client.connected for client in clients)
    world.clock.run(2.0)
    assert not any(client.connected for client in clients)
