"""`ixctl show`."""

from __future__ import annotations

from ixproxy.errors import Code
from ixproxy.messages import (
    EventError,
    EventInteractionProperties,
    RequestGetInteractionProperties,
)
from tests.cli.worlds import CommandWorld


def test_all_properties_are_shown(world: CommandWorld) -> None:
    found = EventInteractionProperties(
        interaction_id="id-1", interaction={"Queue": "Q1", "UserData": {"Subject": "Hello"}}
    )
    world.reply(RequestGetInteractionProperties, found)
    assert world.ixctl("show", "id-1").stdout.splitlines() == [
        "Queue     Q1", "UserData", "  Subject  Hello",
    ]  # fmt: skip
    assert world.ixctl("show", "id-1", "--json").records == [
        {
            "interaction_id": "id-1",
            "properties": {"Queue": "Q1", "UserData": {"Subject": "Hello"}},
        }
    ]


def test_an_unknown_one_is_refused(world: CommandWorld) -> None:
    world.reply(RequestGetInteractionProperties, EventError(error_code=Code.UNKNOWN_INTERACTION))
    ran = world.ixctl("show", "id-1")
    assert ran.code == 1
    assert ran.stderr.startswith("ixctl: 43: ")
