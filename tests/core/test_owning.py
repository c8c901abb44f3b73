"""By-id requests at their owner, and what they do to holdings."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy.core.clients import Client
from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    RequestAccept,
    RequestCancelTake,
    RequestGetInteractionProperties,
    RequestPlaceInQueue,
    RequestReject,
    RequestStopProcessing,
)
from ixproxy.wire.prefix import Flag
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, decode, only

NAMED: Any = {"tenant_id": TENANT, "interaction_id": "a"}
ACCEPT = RequestAccept(**NAMED, ticket_id=3)


def known(**settings: Any) -> tuple[Rig, int, Client]:
    """One client, and one interaction whose owner is known."""
    rig = Rig(**settings)
    peer = rig.client()
    rig.core.state.owners.confirm(b"a", EAST)
    return rig, peer, only(list(rig.core.state.clients))


def test_what_an_answer_hands_over_is_held() -> None:
    rig, peer, client = known()
    rig.ask(peer, ACCEPT)
    rig.answer(EAST, only(rig.sent(EAST)), EventAck(take_number=9))
    assert only(rig.got(peer)).take_number == 9
    assert client.holding == {"a": (9, EAST)}


def test_what_is_handed_over_too_late_goes_back_with_its_tenant() -> None:
    rig, peer, client = known()
    rig.ask(peer, ACCEPT)
    frame = only(rig.sent(EAST))
    rig.tick(31.0)
    assert only(rig.got(peer)).error_code == Code.LOST_CONNECTION
    rig.sent(EAST)
    rig.answer(EAST, frame, EventAck(take_number=9))
    assert decode(only(rig.sent(EAST))) == RequestCancelTake(**NAMED, take_number=9)
    assert client.holding == {}
    assert not rig.got(peer)


def test_what_is_handed_over_to_a_client_that_left_goes_back_with_its_tenant() -> None:
    rig, peer, _ = known()
    rig.ask(peer, ACCEPT)
    frame = only(rig.sent(EAST))
    rig.hang_up(peer)
    rig.sent(EAST)
    rig.answer(EAST, frame, EventAck(take_number=9))
    assert decode(only(rig.sent(EAST))) == RequestCancelTake(**NAMED, take_number=9)


def test_what_the_link_took_with_it_is_in_doubt() -> None:
    rig, peer, client = known()
    rig.ask(peer, ACCEPT)
    rig.lose(EAST)
    assert only(rig.got(peer)).error_code == Code.LOST_CONNECTION
    assert not client.inflight


def test_a_refused_take_changes_nothing_and_an_unknown_one_is_located_anew() -> None:
    rig, peer, client = known()
    for code, owner in ((Code.NOT_A_PARTY, EAST), (Code.UNKNOWN_INTERACTION, None)):
        rig.ask(peer, ACCEPT)
        rig.refuse(EAST, only(rig.sent(EAST)), code)
        assert only(rig.got(peer)).error_code == code
        assert rig.core.state.owners.of(b"a") == owner
    assert client.holding == {}


@pytest.mark.parametrize("flags", [Flag(0), Flag.NO_REPLY])
@pytest.mark.parametrize("fast_path", [True, False])
def test_what_is_given_back_is_held_no_more_whether_or_not_a_reply_is_wanted(
    flags: Flag, fast_path: bool
) -> None:
    rig, peer, client = known(fast_path=fast_path)
    client.took("a", 4, EAST)
    rig.ask(peer, RequestPlaceInQueue(**NAMED, queue="Q1"), flags=flags)
    frame = only(rig.sent(EAST))
    assert client.holding, "the node may refuse it"
    rig.answer(EAST, frame, EventAck())
    assert client.holding == {}
    assert len(rig.got(peer)) == (0 if flags else 1)
    assert not client.inflight
    assert not rig.core.link(EAST).pending.count


def test_a_silent_return_that_is_refused_leaves_the_holding() -> None:
    rig, peer, client = known()
    client.took("a", 4, EAST)
    for lost in (False, True):
        rig.ask(peer, RequestPlaceInQueue(**NAMED, queue="Q1"), flags=Flag.NO_REPLY)
        frame = only(rig.sent(EAST))
        if lost:
            rig.lose(EAST)
        else:
            rig.refuse(EAST, frame, Code.UNKNOWN_QUEUE)
        assert client.holding == {"a": (4, EAST)}
        assert not rig.got(peer)


@pytest.mark.parametrize("flags", [Flag(0), Flag.NO_REPLY])
def test_the_owner_of_what_was_stopped_is_forgotten(flags: Flag) -> None:
    rig, peer, _ = known()
    rig.ask(peer, RequestStopProcessing(**NAMED), flags=flags)
    rig.answer(EAST, only(rig.sent(EAST)), EventAck())
    assert rig.core.state.owners.of(b"a") is None


def test_a_request_that_hands_over_needs_its_reply() -> None:
    rig, peer, client = known()
    rig.ask(peer, ACCEPT, flags=Flag.NO_REPLY)
    assert not rig.sent(EAST)
    assert rig.core.state.counters[f"refused {Code.BAD_FRAME}"] == 1
    rig.ask(peer, RequestReject(**NAMED), flags=Flag.NO_REPLY)
    assert only(rig.sent(EAST)).reference == 0
    assert not client.inflight


def test_time_that_ran_out_before_anything_was_sent_is_not_in_doubt() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, RequestGetInteractionProperties(**NAMED), ttl=5000)
    rig.ask(peer, RequestGetInteractionProperties(**NAMED), ttl=1000)
    rig.tick(1.0)
    error = only(rig.got(peer))
    assert (error.error_code, error.in_doubt) == (Code.EXPIRED, False)
    for node in (EAST, NORTH, WEST):
        rig.located(node, found=node == EAST)
    assert len(rig.sent(EAST)) == 1, "the other one has time left"


def test_an_owner_found_too_late_is_not_asked() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, RequestGetInteractionProperties(**NAMED), ttl=1000)
    rig.now += 1.0  # between two sweeps
    for node in (EAST, NORTH, WEST):
        rig.located(node, found=node == EAST)
    assert only(rig.got(peer)).error_code == Code.EXPIRED
    assert not rig.sent(EAST)


@pytest.mark.parametrize("fast_path", [True, False])
@pytest.mark.parametrize("flags", [Flag(0), Flag.NO_REPLY])
def test_what_is_given_back_too_late_for_its_client_is_held_no_more(
    flags: Flag, fast_path: bool
) -> None:
    rig, peer, client = known(fast_path=fast_path)
    client.took("a", 4, EAST)
    rig.ask(peer, RequestPlaceInQueue(**NAMED, queue="Q1"), flags=flags)
    frame = only(rig.sent(EAST))
    rig.tick(31.0)
    assert [error.error_code for error in rig.got(peer)] == [Code.LOST_CONNECTION][: not flags]
    assert client.holding, "nobody knows yet"
    rig.tick(31.0)
    rig.answer(EAST, frame, EventAck())
    assert client.holding == {}
    assert not rig.got(peer)
    assert not rig.core.link(EAST).pending.count
