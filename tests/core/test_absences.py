"""Logouts that nodes have missed."""

from __future__ import annotations

import pytest

from ixproxy.core.absences import Absences
from ixproxy.core.clients import Client
from tests.core.rig import EAST, NORTH, TENANT
from tests.core.test_agent_sessions import client

ANN, BOB = (TENANT, "ann"), (TENANT, "bob")


def missed(who: Client, number: int = 1, agent: tuple[int, str] = ANN) -> tuple[object, ...]:
    return who, agent, (number, 101)


def test_a_node_is_told_once_what_it_missed_oldest_first() -> None:
    absences, one, other = Absences(), client(1), client(2)
    absences.note([EAST, NORTH], (one, ANN, (1, 101)))
    absences.note([EAST], (other, BOB, (2, 101)))
    assert absences.take(EAST) == [missed(one), missed(other, 2, BOB)]
    assert absences.take(EAST) == []
    assert len(absences) == 1
    assert absences.take(NORTH) == [missed(one)]
    assert not absences._of_client


def test_a_node_that_could_not_do_it_is_left_in_peace_for_a_while() -> None:
    absences, one = Absences(), client(1)
    absences.note([EAST], (one, ANN, (1, 101)))
    assert absences.due(EAST, 5.0)
    absences.pause(EAST, 6.0)
    assert not absences.due(EAST, 5.0)
    assert absences.due(EAST, 6.0)
    absences.take(EAST)
    assert not absences.due(EAST, 6.0)
    assert not absences._paused


def test_nothing_is_kept_for_a_client_that_has_left() -> None:
    absences, one, other = Absences(), client(1), client(2)
    absences.note([EAST], (one, ANN, (1, 101)))
    absences.note([EAST], (other, ANN, (1, 101)))
    absences.client_gone(one)
    one.gone = True
    absences.note([EAST], (one, BOB, (3, 101)))
    assert absences.take(EAST) == [missed(other)]
    absences.client_gone(other)
    assert not absences._missed
    assert not absences._of_client


def test_who_is_in_again_is_not_said_to_be_out_any_more() -> None:
    absences, one, other = Absences(), client(1), client(2)
    absences.note([EAST, NORTH], (one, ANN, (1, 101)))
    absences.note([EAST], (one, ANN, (2, 101)))
    absences.note([EAST], (other, ANN, (1, 101)))
    assert absences.withdraw((one, ANN, (1, 101))) == [EAST, NORTH]
    assert absences.withdraw((one, ANN, (1, 101))) == []
    assert absences.take(EAST) == [missed(one, 2), missed(other)]
    assert absences.take(NORTH) == []
    assert not absences._of_client


def test_it_follows_a_client_to_a_newer_connection() -> None:
    absences, older, newer = Absences(), client(1), client(2)
    absences.note([EAST, NORTH], (older, ANN, (1, 101)))
    absences.moved(older, newer)
    assert absences.take(EAST) == [missed(newer)]
    assert absences.take(NORTH) == [missed(newer)]


def test_a_node_that_left_the_deployment_is_told_nothing_any_more() -> None:
    absences, one = Absences(), client(1)
    absences.note([EAST], (one, ANN, (1, 101)))
    absences.forget_node(EAST)
    assert not len(absences)


def test_of_too_many_the_oldest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ixproxy.core.absences.MOST", 2)
    absences, one = Absences(), client(1)
    for number in range(3):
        absences.note([EAST], (one, ANN, (number, 101)))
    assert absences.take(EAST) == [missed(one, 1), missed(one, 2)]
    assert absences.forgotten == 1


def test_one_whose_logout_was_forgotten_for_want_of_room_may_leave(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ixproxy.core.absences.MOST", 1)
    absences, one, other = Absences(), client(1), client(2)
    absences.note([EAST], (one, ANN, (1, 101)))
    absences.note([EAST], (other, BOB, (2, 101)))
    assert absences.forgotten == 1
    assert absences.take(EAST) == [missed(other, 2, BOB)]
    absences.client_gone(one)
    assert not absences._of_client
