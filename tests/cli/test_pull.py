"""`ixctl pull`."""

from __future__ import annotations

import pytest

from ixproxy.messages import (
    EventAck,
    EventPulledInteractions,
    RequestPlaceInQueue,
    RequestPull,
    RequestStopProcessing,
)
from tests.cli.worlds import CommandWorld

TWO = EventPulledInteractions(
    interactions={"id-1": {"MediaType": "email"}, "id-2": {"MediaType": "chat"}},
    take_numbers={"id-1": 7, "id-2": 8},
    sort_keys={"id-1": b"\x01"},
)


@pytest.fixture(autouse=True)
def replies(world: CommandWorld) -> None:
    world.reply(RequestPull, TWO)
    world.reply(RequestStopProcessing, EventAck())
    world.reply(RequestPlaceInQueue, EventAck())


def test_what_was_taken_is_printed_and_goes_back_with_the_goodbye(world: CommandWorld) -> None:
    ran = world.ixctl("pull", "Q1/All", "-n", "5", "--json")
    assert ran.code == 0
    assert ran.records == [
        {
            "interaction_id": "id-1",
            "properties": {"MediaType": "email"},
            "sort_key": "01",
            "take_number": 7,
        },
        {"interaction_id": "id-2", "properties": {"MediaType": "chat"}, "take_number": 8},
        {"interactions": 2, "partial": False, "have_more": False},
    ]
    assert world.asked == [RequestPull(tenant_id=1, view_id="Q1/All", number_of_interactions=5)]
    assert world.goodbyes == 1
    assert world.server.registered[0].client_type == "RoutingEngine"


def test_a_pull_for_a_strategy_says_so(world: CommandWorld) -> None:
    world.ixctl("pull", "Q1/All", "--for-strategy")
    (request,) = world.asked
    assert isinstance(request, RequestPull)
    assert request.extension == {"pull-for-strategy": 1}


@pytest.mark.parametrize(
    ("then", "request_type"),
    [
        (("--then", "stop"), RequestStopProcessing),
        (("--then", "place", "--queue", "Q2"), RequestPlaceInQueue),
    ],
)
def test_it_may_be_stopped_or_placed_at_once(
    world: CommandWorld, then: tuple[str, ...], request_type: type
) -> None:
    assert world.ixctl("pull", "Q1/All", *then).code == 0
    assert [type(each) for each in world.asked] == [RequestPull, request_type, request_type]


def test_ids_that_were_not_taken_are_named_and_exit_code_is_1(world: CommandWorld) -> None:
    world.reply(
        RequestPull,
        EventPulledInteractions(
            interactions={"id-1": {}}, take_numbers={"id-1": 7}, errors={"id-9": 43}
        ),
    )
    ran = world.ixctl("pull", "--id", "id-1", "--id", "id-9", "--as", "AgentApplication")
    assert ran.code == 1
    assert "id-9 not taken: 43: Unknown interaction" in ran.stdout
    (request,) = world.asked
    assert isinstance(request, RequestPull)
    assert request.view_id == "_system_"
    assert request.pull_parameters == {"id-1": 1, "id-9": 1}


@pytest.mark.parametrize(
    "argv",
    [
        (),
        ("Q1/All", "--id", "id-1"),
        ("Q1/All", "--then", "keep"),
        ("Q1/All", "--then", "place"),
        ("Q1/All", "--queue", "Q2"),
        ("Q1/All", "--then", "return", "--session", "x"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_taken(
    world: CommandWorld, argv: tuple[str, ...]
) -> None:
    assert world.ixctl("pull", *argv).code == 2
    assert world.server.registered == []
