"""What one peer's frames may take of a turn: much while it is alone, little while others send."""

from __future__ import annotations

import pytest

from ixproxy.core.proxy import SLOW_COST
from ixproxy.messages import RequestChangeProperties, RequestFindInteractions
from ixproxy.messages.message import Message
from ixproxy.net.listener import (
    ALONE_BUDGET,
    CROWDED,
    PROXY_BUDGET,
    REST,
    TURN_BUDGET,
)
from ixproxy.wire.codec import encode
from tests.core.rig import TENANT
from tests.net.listener_house import House

CHANGE = RequestChangeProperties(tenant_id=TENANT, interaction_id="e")
FAN_OUT = RequestFindInteractions(tenant_id=TENANT, condition="priority > 1")


def crowd(house: House) -> None:
    """Several send in turn, in one tick."""
    ones = [house.enter("MediaServer")[0] for _ in range(2)]
    for number in range(CROWDED):
        ones[number % 2].dataReceived(encode(CHANGE, reference=100 + number))
    house.listener.ticked()


def taken(house: House, message: Message) -> int:
    """How many of very many frames of the first client are taken in one turn."""
    frames = [encode(message, reference=1000 + number) for number in range(3000)]
    return house.listener.frames_received(house.connection, frames)


@pytest.mark.parametrize(
    ("client_type", "crowded", "most"),
    [
        ("ReportingEngine", False, ALONE_BUDGET),
        ("ReportingEngine", True, TURN_BUDGET),
        ("Proxy", False, ALONE_BUDGET),
        ("Proxy", True, PROXY_BUDGET),
    ],
)
def test_a_peer_has_its_share_of_a_turn(client_type: str, crowded: bool, most: int) -> None:
    house = House(client_type, window=10_000)
    if crowded:
        crowd(house)
    refused = taken(house, CHANGE)
    assert refused == most // SLOW_COST, "neither of the two may send that"
    assert house.turn.rest == (REST if crowded else 0.0)


def test_what_takes_the_fast_path_costs_little() -> None:
    house = House(window=10_000)
    crowd(house)
    assert taken(house, CHANGE) == TURN_BUDGET


def test_what_goes_to_all_nodes_takes_more_of_it() -> None:
    house = House(window=10_000)
    crowd(house)
    assert 1 <= taken(house, FAN_OUT) <= TURN_BUDGET // (3 * SLOW_COST) + 1


def test_who_is_alone_again_has_much_again() -> None:
    house = House("ReportingEngine", window=10_000)
    crowd(house)
    house.listener.ticked()
    assert taken(house, CHANGE) == ALONE_BUDGET // SLOW_COST
    assert house.turn.rest == 0.0
