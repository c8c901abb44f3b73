"""How many fan-outs there may be, and how much they may keep: for all, and for each client."""

from __future__ import annotations

from ixproxy.core.clients import Client, Peer
from ixproxy.core.destinations import Outputs
from ixproxy.core.fan_outs import FanOuts
from ixproxy.messages import RequestRegisterClient


def client() -> Client:
    registration = RequestRegisterClient(client_name="c", client_type="MediaServer")
    return Client(Peer(1, Outputs()), 0, registration, frozenset())


def test_one_client_has_a_quarter_of_all_fan_outs() -> None:
    fan_outs, greedy = FanOuts(), client()
    assert [fan_outs.begin(greedy, 8) for _ in range(3)] == [True, True, False]
    others = [client() for _ in range(7)]
    assert [fan_outs.begin(other, 8) for other in others] == [True] * 6 + [False]
    fan_outs.end(greedy, 0)
    assert fan_outs.begin(others[-1], 8)
    assert fan_outs.number == 8


def test_however_few_there_may_be_one_client_may_have_one() -> None:
    assert FanOuts().begin(client(), 1)


def test_what_is_kept_is_bounded_for_one_and_for_all_and_given_free() -> None:
    fan_outs, greedy = FanOuts(), client()
    fan_outs.begin(greedy, 8)
    assert fan_outs.keep(greedy, 25, 100)
    assert not fan_outs.keep(greedy, 1, 100)
    others = [client() for _ in range(4)]
    for other in others:
        fan_outs.begin(other, 8)
    assert [fan_outs.keep(other, 25, 100) for other in others] == [True, True, True, False]
    fan_outs.end(greedy, 25)
    assert fan_outs.keep(others[-1], 25, 100)
    for other in others:
        fan_outs.end(other, 25)
    assert (fan_outs.number, fan_outs.kept) == (0, 0)
    assert not fan_outs._kept_for


def test_what_was_refused_is_not_counted() -> None:
    fan_outs, one = FanOuts(), client()
    fan_outs.begin(one, 1)
    assert not fan_outs.begin(client(), 1)
    assert not fan_outs.keep(one, 1000, 100)
    fan_outs.end(one, 0)
    assert (fan_outs.number, fan_outs.kept, one.fan_outs) == (0, 0, 0)
