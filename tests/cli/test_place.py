"""`ixctl place`."""

from __future__ import annotations

import pytest

from ixproxy.messages import EventAck, RequestPlaceInQueue, RequestPlaceInWorkbin, Workbin
from tests.cli.worlds import CommandWorld


def test_in_a_queue(world: CommandWorld) -> None:
    world.reply(RequestPlaceInQueue, EventAck())
    ran = world.ixctl("place", "id-1", "Q2", "--set", "Priority:=5")
    assert (ran.code, ran.stdout) == (0, "id-1 placed in Q2\n")
    assert world.asked == [
        RequestPlaceInQueue(
            tenant_id=1, interaction_id="id-1", queue="Q2", changed_properties={"Priority": 5}
        )
    ]


def test_in_a_workbin(world: CommandWorld) -> None:
    world.reply(RequestPlaceInWorkbin, EventAck())
    ran = world.ixctl("place", "id-1", "--workbin", "Drafts", "--of-agent", "kim", "--json")
    assert ran.records == [{"interaction_id": "id-1", "queue": "", "workbin": "Drafts"}]
    assert world.asked == [
        RequestPlaceInWorkbin(
            tenant_id=1,
            interaction_id="id-1",
            workbin=Workbin(workbin_type_id="Drafts", workbin_agent_id="kim"),
        )
    ]


@pytest.mark.parametrize("argv", [(), ("Q2", "--workbin", "D", "--of-agent", "kim")])
def test_a_place_is_one_of_the_two(world: CommandWorld, argv: tuple[str, ...]) -> None:
    assert world.ixctl("place", "id-1", *argv).code == 2
