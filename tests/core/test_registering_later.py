"""Clients that a node could not register when it should have: told it again until it can."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy.core.lacking import FIRST_PAUSE
from ixproxy.core.registering_later import PAUSE
from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventRevoked,
    RequestCancelTake,
    RequestConfirmSession,
    RequestGetInteractionProperties,
    RequestRegisterClient,
)
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, decode, only
from tests.core.test_agents import logged_in

ASKED = RequestGetInteractionProperties(tenant_id=TENANT, interaction_id="a")


def registration(**attributes: Any) -> RequestRegisterClient:
    return RequestRegisterClient(client_name="desk", client_type="AgentApplication", **attributes)


def registered_without(rig: Rig, *full: Any, code: int = Code.STORE_FAILED, **more: Any) -> int:
    """A client that only nodes could register whose disks are not full."""
    peer = rig.peer()
    rig.ask(peer, registration(**more))
    for node in (EAST, NORTH, WEST):
        if node in full:
            rig.refuse(node, only(rig.sent(node)), code)
        else:
            rig.accept(node)
    return peer


@pytest.mark.parametrize("code", [Code.STORE_FAILED, Code.BUSY])
def test_a_node_that_cannot_store_a_registration_is_as_one_that_is_away(code: int) -> None:
    rig = Rig()
    rig.core.state.owners.confirm(b"a", WEST)
    peer = registered_without(rig, WEST, code=code)
    assert isinstance(only(rig.got(peer)), EventAck)
    rig.ask(peer, ASKED)
    assert only(rig.got(peer)).error_code == Code.NOT_ACCESSIBLE
    rig.tick(PAUSE)
    rig.accept(WEST)
    rig.ask(peer, ASKED)
    assert decode(only(rig.sent(WEST))) == ASKED
    assert not len(rig.core._requests.later)


def test_it_is_tried_with_one_client_after_a_pause_until_it_can_and_then_with_all() -> None:
    rig = Rig()
    for _ in range(5):
        registered_without(rig, WEST)
    for _ in range(3):
        rig.tick(PAUSE / 2)
        assert not rig.sent(WEST)
        rig.tick(PAUSE / 2)
        rig.refuse(WEST, only(rig.sent(WEST)), Code.STORE_FAILED)
        rig.pump()
        assert not rig.sent(WEST)
    rig.tick(PAUSE)
    rig.accept(WEST)
    assert len(rig.core.link(WEST).clients) == 5
    assert not len(rig.core._requests.later)


def test_what_it_holds_there_is_kept_for_the_grace_and_what_is_not_confirmed_is_revoked() -> None:
    rig = Rig()
    peer = rig.peer()
    rig.ask(peer, registration(holding={"there": 4, "nowhere": 5}))
    rig.refuse(WEST, only(rig.sent(WEST)), Code.STORE_FAILED)
    for node in (EAST, NORTH):
        rig.answer(node, only(rig.sent(node)), EventAck(proxy_client_id=9))
    client = only(list(rig.core.state.clients))
    assert only(rig.got(peer)).held == {"there": 4, "nowhere": 5}
    rig.tick(PAUSE)
    rig.answer(WEST, only(rig.sent(WEST)), EventAck(proxy_client_id=9, held={"there": 4}))
    event = only(rig.got(peer))
    assert isinstance(event, EventRevoked)
    assert event.interaction_id == "nowhere"
    assert client.holding == {"there": (4, WEST)}


def test_what_was_revoked_while_the_node_was_asked_again_is_given_back_there() -> None:
    rig = Rig()
    peer = rig.peer()
    rig.ask(peer, registration(holding={"there": 4}))
    rig.refuse(WEST, only(rig.sent(WEST)), Code.STORE_FAILED)
    for node in (EAST, NORTH):
        rig.answer(node, only(rig.sent(node)), EventAck(proxy_client_id=9))
    rig.got(peer)
    rig.tick(PAUSE)
    tried = only(rig.sent(WEST))
    rig.tick(rig.core.state.settings.node_loss_grace)
    event = only(rig.got(peer))
    assert isinstance(event, EventRevoked)
    assert event.interaction_id == "there"
    rig.answer(WEST, tried, EventAck(proxy_client_id=9, held={"there": 4}))
    given_back = decode(only(rig.sent(WEST)))
    assert isinstance(given_back, RequestCancelTake)
    assert (given_back.interaction_id, given_back.take_number) == ("there", 4)
    assert not rig.got(peer)


def test_it_is_told_which_agents_are_logged_in() -> None:
    rig = Rig()
    peer = rig.client()
    logged_in(rig, peer)
    rig.lose(WEST)
    rig.core.node_connected(WEST, rig.now)
    rig.pump()
    hello = only(rig.sent(WEST))
    rig.answer(WEST, hello, rig._registered(WEST, decode(hello)))
    rig.refuse(WEST, only(rig.sent(WEST)), Code.STORE_FAILED)
    assert rig.core.link(WEST).linked
    assert not rig.sent(WEST)
    rig.tick(PAUSE)
    rig.accept(WEST)
    rig.tick(FIRST_PAUSE)
    told = [decode(frame) for frame in rig.sent(WEST)]
    assert [type(each) for each in told] == [RequestConfirmSession]


@pytest.mark.parametrize("code", [Code.STORE_FAILED, Code.EXPIRED, Code.CANCELLED])
@pytest.mark.parametrize("again", [False, True])
def test_one_that_says_so_when_nobody_waits_for_it_any_more_is_tried_again(
    code: int, again: bool
) -> None:
    """It stood still when a client was to be registered, or was to be once more."""
    rig = Rig()
    peer = registered_without(rig, WEST) if again else rig.peer()
    if again:
        rig.tick(PAUSE)
    else:
        rig.ask(peer, registration())
        for node in (EAST, NORTH):
            rig.accept(node)
    asked = only(rig.sent(WEST))
    rig.tick(rig.core.state.settings.request_timeout)
    rig.sent(WEST)
    assert isinstance(rig.got(peer)[0], EventAck)
    rig.refuse(WEST, asked, code)
    assert not rig.sent(WEST)
    rig.tick(PAUSE)
    rig.accept(WEST)
    assert len(rig.core.link(WEST).clients) == 1
    assert not len(rig.core._requests.later)


def test_who_has_gone_meanwhile_is_not_registered_and_does_not_gather() -> None:
    rig = Rig()
    peers = [registered_without(rig, WEST) for _ in range(3)]
    rig.tick(PAUSE)
    tried = only(rig.sent(WEST))
    for peer in peers:
        rig.hang_up(peer)
    rig.refuse(WEST, tried, Code.STORE_FAILED)
    rig.tick(PAUSE)
    assert not rig.sent(WEST)
    assert not len(rig.core._requests.later)


def test_one_that_is_refused_for_good_is_told_to_the_log_and_does_not_stop_the_others() -> None:
    rig = Rig()
    for _ in range(2):
        registered_without(rig, WEST)
    rig.tick(PAUSE)
    rig.refuse(WEST, only(rig.sent(WEST)), Code.TOO_MANY_CLIENTS)
    rig.accept(WEST)
    assert len(rig.core.link(WEST).clients) == 1
    assert not len(rig.core._requests.later)
    assert any("refused client" in getattr(each, "format", "") for each in rig.effects)


def test_a_link_that_is_made_anew_begins_with_all_clients_so_nothing_is_left_over() -> None:
    rig = Rig()
    for _ in range(2):
        registered_without(rig, WEST)
    rig.lose(WEST)
    rig.link(WEST)
    assert len(rig.core.link(WEST).clients) == 2
    rig.tick(PAUSE)
    assert not rig.sent(WEST)
    assert not len(rig.core._requests.later)
