"""Pages of a snapshot, as `ixctl snapshot show` asks for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ixproxy.messages import EventSnapshotInteractions, RequestGetSnapshotInteractions
from ixproxy.messages.message import Message
from tests.cli.worlds import CommandWorld

IDS = [f"id-{number}" for number in range(10)]


def page(request: Message) -> EventSnapshotInteractions:
    """Of a snapshot with ten members, the fourth of which has left; four at a time at most."""
    assert isinstance(request, RequestGetSnapshotInteractions)
    end = request.start_from + min(request.number_of_interactions, 4)
    asked = IDS[request.start_from : end]
    return EventSnapshotInteractions(
        interactions={id: {} for id in asked if id != "id-3"},
        errors={id: 43 for id in asked if id == "id-3"},
        have_more=end < len(IDS),
    )


@pytest.mark.parametrize(
    ("options", "starts", "shown"),
    [
        (["--page", "500", "--start", "0"], [0, 4, 8], IDS),
        (["--page", "3"], [0, 3, 6, 9], IDS),
        (["--page", "3", "--start", "8"], [8], IDS[8:]),
        (["--page", "3", "-n", "5"], [0, 3], IDS[:5]),
        (["--start", "99"], [99], []),
    ],
)
def test_positions_are_asked_for_until_all_are_there(
    world: CommandWorld, tmp_path: Path, options: list[str], starts: list[int], shown: list[str]
) -> None:
    world.server.replies[RequestGetSnapshotInteractions] = page
    ran = world.ixctl("snapshot", "show", "7", *options, "--session", str(tmp_path / "s"), "--json")
    assert ran.code == 0
    *members, total = ran.records
    assert {record["interaction_id"] for record in members} == set(shown)
    gone = int("id-3" in shown)
    assert (total["interactions"], total["gone"]) == (len(shown) - gone, gone)
    assert [request.start_from for request in world.asked] == starts  # type: ignore[attr-defined]
