"""What a client of a load can do next."""

from __future__ import annotations

import pytest

from ixproxy.cli.load_hands import MOST_HELD, Act, Hands
from ixproxy.cli.load_ledger import Ledger
from ixproxy.cli.load_mix import Kind
from ixproxy.errors import Code, RequestRefused

PULL = Act(Kind.PULL)


def hands_of(*held: str, pulls: bool = True, agents: int = 2) -> tuple[Hands, Ledger]:
    ledger = Ledger()
    hands = Hands(1, ledger, pulls, agents, "a")
    for identifier in held:
        hands.took(PULL, identifier)
    return hands, ledger


@pytest.mark.parametrize("kind", [Kind.STOP, Kind.PLACE, Kind.HOLD, Kind.CHANGE, Kind.RESUME])
def test_without_anything_in_hand_all_become_pulls(kind: Kind) -> None:
    assert hands_of()[0].choose(kind) == PULL
    assert hands_of("x")[0].choose(Kind.SUBMIT) == Act(Kind.SUBMIT)


def test_what_is_given_back_is_in_no_hands_and_counted_when_answered() -> None:
    hands, ledger = hands_of("x", "y", "z")
    for kind in (Kind.STOP, Kind.PLACE, Kind.WORKBIN):
        act = hands.choose(kind)
        assert act.subject in ledger.leaving
        hands.done(act)
    assert (ledger.stopped, ledger.placed, ledger.laid) == (1, 1, 1)
    assert (ledger.held, ledger.leaving) == ({}, set())
    assert hands.choose(Kind.FETCH) == Act(Kind.FETCH, "z")


def test_what_is_on_hold_is_resumed_first() -> None:
    hands, _ = hands_of("x")
    assert hands.choose(Kind.RESUME) == Act(Kind.HOLD, "x")
    hands.done(Act(Kind.HOLD, "x"))
    assert hands.choose(Kind.STOP) == Act(Kind.RESUME, "x")
    hands.done(Act(Kind.RESUME, "x"))
    assert hands.choose(Kind.STOP) == Act(Kind.STOP, "x")


def test_what_is_looked_at_stays_in_hand() -> None:
    hands, _ = hands_of("x")
    assert hands.choose(Kind.SHOW) == Act(Kind.SHOW, "x")
    hands.done(Act(Kind.SHOW, "x"))
    assert list(hands.held) == ["x"]
    assert hands_of()[0].choose(Kind.SHOW) == PULL


def test_without_a_view_what_was_submitted_is_looked_at() -> None:
    hands, ledger = hands_of(pulls=False)
    assert hands.choose(Kind.SHOW) == Act(Kind.SUBMIT)
    hands.submitted("x", "Q1")
    assert hands.choose(Kind.SHOW) == Act(Kind.SHOW, "x")
    assert (ledger.submitted, ledger.queues) == (1, {"Q1"})


def test_hands_that_are_full_place_their_oldest() -> None:
    hands, _ = hands_of(*(f"i{n}" for n in range(MOST_HELD)))
    assert hands.choose(Kind.PULL) == Act(Kind.PLACE, "i0")


def test_agents_are_logged_in_and_out_in_turn() -> None:
    hands, _ = hands_of()
    acts = []
    for kind in (Kind.LOGOUT, Kind.LOGIN, Kind.LOGIN, Kind.LOGIN):
        act = hands.choose(kind)
        acts.append(act)
        hands.done(act)
    assert acts == [
        Act(Kind.LOGIN, "a1"), Act(Kind.LOGIN, "a2"), Act(Kind.LOGOUT, "a1"), Act(Kind.LOGIN, "a1")
    ]  # fmt: skip


def test_while_all_agents_are_on_their_way_there_is_one_more() -> None:
    hands, _ = hands_of(agents=1)
    assert [hands.choose(Kind.LOGIN).subject for _ in range(3)] == ["a1", "a2", "a3"]


def refuse(hands: Hands, act: Act, code: int, *, in_doubt: bool = False) -> None:
    hands.refused(act, RequestRefused(code, in_doubt=in_doubt))


@pytest.mark.parametrize("kind", [Kind.STOP, Kind.PLACE, Kind.WORKBIN, Kind.HOLD, Kind.CHANGE])
def test_what_was_refused_with_nothing_done_stays_in_hand(kind: Kind) -> None:
    hands, ledger = hands_of("x")
    refuse(hands, hands.choose(kind), Code.BUSY)
    assert list(hands.held) == ["x"]
    assert ledger.held == {"x": 1}
    assert not ledger.leaving


def test_what_may_have_been_done_is_in_doubt_and_in_no_hands() -> None:
    hands, ledger = hands_of("x", "y", "z")
    for kind in (Kind.STOP, Kind.PLACE, Kind.WORKBIN):
        refuse(hands, hands.choose(kind), Code.LOST_CONNECTION, in_doubt=True)
    refuse(hands, Act(Kind.SUBMIT), Code.LOST_CONNECTION, in_doubt=True)
    refuse(hands, Act(Kind.FETCH, "w"), Code.LOST_CONNECTION, in_doubt=True)
    assert (ledger.doubtful_stops, ledger.doubtful_moves, ledger.doubtful_submits) == (1, 3, 1)
    assert (list(hands.held), ledger.held) == ([], {})


def test_a_hold_in_doubt_is_taken_to_be_one() -> None:
    hands, _ = hands_of("x")
    refuse(hands, hands.choose(Kind.HOLD), Code.LOST_CONNECTION, in_doubt=True)
    assert list(hands.on_hold) == ["x"]
    refuse(hands, hands.choose(Kind.RESUME), Code.BUSY)
    assert list(hands.on_hold) == ["x"]


def test_what_no_node_knows_any_more_has_vanished() -> None:
    hands, ledger = hands_of("x")
    refuse(hands, hands.choose(Kind.STOP), Code.UNKNOWN_INTERACTION)
    assert ledger.vanished == {"x"}
    assert not hands.held


def test_what_a_node_took_back_is_in_hand_no_more() -> None:
    hands, ledger = hands_of("x", "y", "z")
    hands.done(hands.choose(Kind.HOLD))
    for identifier in ("x", "y", "nobody's"):
        hands.revoked(identifier)
    assert (list(hands.held), list(hands.on_hold)) == (["z"], [])
    assert ledger.returned == 2
    act = hands.choose(Kind.STOP)
    hands.revoked("z")
    refuse(hands, act, Code.NOT_A_PARTY)
    assert not ledger.vanished


def test_agents_and_fetches_that_were_refused_can_be_tried_again() -> None:
    hands, _ = hands_of()
    login = hands.choose(Kind.LOGIN)
    refuse(hands, login, Code.BUSY)
    assert hands.choose(Kind.LOGIN) == login
    hands.laid.append("w")
    refuse(hands, hands.choose(Kind.FETCH), Code.BUSY)
    assert hands.choose(Kind.FETCH) == Act(Kind.FETCH, "w")
    refuse(hands, Act(Kind.FETCH, "w"), Code.UNKNOWN_INTERACTION)
    assert not hands.laid
