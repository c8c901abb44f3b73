"""`ixctl change`."""

from __future__ import annotations

from ixproxy.messages import EventAck, RequestChangeProperties
from tests.cli.worlds import CommandWorld


def test_properties_are_added_changed_and_deleted(world: CommandWorld) -> None:
    world.reply(RequestChangeProperties, EventAck())
    ran = world.ixctl(
        "change", "id-1", "--add", "a=1", "--set", "Priority:=5", "--set", "b=x", "--delete", "c"
    )
    assert (ran.code, ran.stdout) == (0, "id-1 changed\n")
    assert world.asked == [
        RequestChangeProperties(
            tenant_id=1,
            interaction_id="id-1",
            added_properties={"a": "1"},
            changed_properties={"Priority": 5, "b": "x"},
            deleted_properties={"c": ""},
        )
    ]


def test_nothing_to_change_is_a_usage_error(world: CommandWorld) -> None:
    assert world.ixctl("change", "id-1").code == 2
    assert world.server.registered == []
