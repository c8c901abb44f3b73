"""`ixctl find`."""

from __future__ import annotations

from ixproxy.messages import EventInteractionsFound, RequestFindInteractions
from tests.cli.worlds import CommandWorld


def test_it_asks_and_prints(world: CommandWorld) -> None:
    world.reply(
        RequestFindInteractions, EventInteractionsFound(interactions={"id-1": {"Queue": "Q1"}})
    )
    ran = world.ixctl(
        "find", "queue = 'Q1'", "--media-type", "email", "--order", "priority", "--limit", "5"
    )
    assert ran.code == 0
    assert "id-1" in ran.stdout
    assert "found: 1 interaction" in ran.stdout
    assert world.asked == [
        RequestFindInteractions(
            tenant_id=1,
            media_type="email",
            condition="queue = 'Q1'",
            order="priority",
            number_of_interactions=5,
        )
    ]
