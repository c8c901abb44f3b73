"""`ixctl snapshot`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventError,
    EventInteractionMoved,
    EventSnapshotInteractions,
    EventSnapshotTaken,
    Reason,
    RequestGetSnapshotInteractions,
    RequestLockInteraction,
    RequestMoveInteractions,
    RequestReleaseSnapshot,
    RequestStopInteractions,
    RequestTakeSnapshot,
    RequestUnlockInteraction,
)
from tests.cli.worlds import CommandWorld


@pytest.fixture
def taken(world: CommandWorld) -> CommandWorld:
    """A server with one snapshot of two interactions."""
    world.reply(RequestTakeSnapshot, EventSnapshotTaken(snapshot_id=7, number_of_interactions=2))
    world.reply(
        RequestGetSnapshotInteractions,
        EventSnapshotInteractions(interactions={"id-1": {"Queue": "Q1"}}, errors={"id-2": 43}),
    )
    return world


def session(tmp_path: Path) -> list[str]:
    return ["--session", str(tmp_path / "s")]


def test_it_takes_and_shows(taken: CommandWorld) -> None:
    ran = taken.ixctl(
        "snapshot", "take", "Queue = 'Q1'", "--order", "Priority", "--lock", "--check-state",
        "--limit", "5",
    )  # fmt: skip
    assert ran.code == 0
    assert ran.stdout.startswith("snapshot 7: 2 interactions\n")
    assert "id-2: 43: Unknown interaction identifier specified" in ran.stdout
    assert ran.stdout.endswith("shown: 1, left meanwhile: 1\n")
    assert taken.asked == [
        RequestTakeSnapshot(
            tenant_id=1,
            condition="Queue = 'Q1'",
            order="Priority",
            lock=True,
            check_interactions_state=True,
            number_of_interactions=5,
        ),
        RequestGetSnapshotInteractions(tenant_id=1, snapshot_id=7, number_of_interactions=500),
    ]


def test_scripts_get_one_object_a_line(taken: CommandWorld) -> None:
    assert taken.ixctl("snapshot", "take", "--json").records == [
        {"snapshot_id": 7, "interactions": 2, "partial": False},
        {"interaction_id": "id-1", "properties": {"Queue": "Q1"}},
        {
            "interaction_id": "id-2",
            "error": 43,
            "description": "Unknown interaction identifier specified",
        },
        {"interactions": 1, "gone": 1, "have_more": False},
    ]


@pytest.mark.parametrize("left", [{}, {"id-2": Code.CHANGED_SINCE}])
def test_what_was_taken_is_moved(taken: CommandWorld, left: dict[str, int]) -> None:
    moved = EventInteractionMoved(number_of_interactions=1, errors=left)
    taken.reply(RequestMoveInteractions, moved)
    ran = taken.ixctl(
        "snapshot", "take", "--quiet", "--then", "move", "--queue", "Q2", "--reason", "spam"
    )
    assert ran.code == (1 if left else 0)
    assert ran.stdout.endswith("moved: 1 interaction\n")
    assert ("id-2 not moved: 3067" in ran.stdout) == bool(left)
    move = RequestMoveInteractions(
        tenant_id=1, snapshot_id=7, queue="Q2", reason=Reason(reason_description="spam")
    )
    assert taken.asked[1:] == [move]


def test_what_was_taken_is_stopped(taken: CommandWorld) -> None:
    taken.reply(RequestStopInteractions, EventInteractionMoved(number_of_interactions=2))
    ran = taken.ixctl("snapshot", "take", "--quiet", "--then", "stop", "--json")
    assert (ran.code, ran.records[-1]) == (0, {"stopped": 2, "not_stopped": 0})
    assert taken.asked[-1] == RequestStopInteractions(tenant_id=1, snapshot_id=7)


def test_with_a_session_a_snapshot_is_named_by_its_number(
    world: CommandWorld, tmp_path: Path
) -> None:
    for kind in (RequestLockInteraction, RequestReleaseSnapshot, RequestUnlockInteraction):
        world.reply(kind, EventAck())
    for moving in (RequestMoveInteractions, RequestStopInteractions):
        world.reply(moving, EventInteractionMoved(number_of_interactions=1))
    of: dict[str, Any] = {"tenant_id": 1, "snapshot_id": 7}
    for arguments, asked, text in (
        (["lock", "7", "a"], RequestLockInteraction(**of, interaction_id="a"), "a locked"),
        (["unlock", "7", "a"], RequestUnlockInteraction(**of, interaction_id="a"), "a unlocked"),
        (["move", "7", "Q2"], RequestMoveInteractions(**of, queue="Q2"), "moved: 1 interaction"),
        (["stop", "7"], RequestStopInteractions(**of), "stopped: 1 interaction"),
        (["release", "7"], RequestReleaseSnapshot(**of), "snapshot 7 released"),
    ):
        ran = world.ixctl("snapshot", *arguments, *session(tmp_path))
        assert (ran.code, ran.stdout) == (0, f"{text}\n")
        assert world.asked[-1] == asked


def test_all_ids_are_tried_and_the_first_refusal_counts(
    world: CommandWorld, tmp_path: Path
) -> None:
    world.reply(
        RequestLockInteraction,
        EventError(error_code=Code.NOT_IN_SNAPSHOT, error_description="not in it"),
    )
    ran = world.ixctl("snapshot", "lock", "7", "a", "b", *session(tmp_path), "--json")
    assert ran.code == 1
    assert [record["interaction_id"] for record in ran.records] == ["a", "b"]
    assert {record["error"] for record in ran.records} == {Code.NOT_IN_SNAPSHOT}


def test_what_is_in_doubt_is_said_by_the_exit_code(world: CommandWorld, tmp_path: Path) -> None:
    world.reply(
        RequestMoveInteractions,
        EventError(error_code=Code.STORE_FAILED, error_description="full", in_doubt=True),
    )
    assert world.ixctl("snapshot", "move", "7", "Q2", *session(tmp_path)).code == 4


@pytest.mark.parametrize(
    "arguments",
    [
        ["take", "a", "b"],
        ["take", "--then", "move"],
        ["take", "--queue", "Q2"],
        ["show", "7"],
        ["move", "7", "--session", "s"],
        ["lock", "7", "--session", "s"],
        ["release", "seven", "--session", "s"],
        ["stop", "7", "--then", "stop", "--session", "s"],
    ],
)
def test_what_makes_no_sense_is_said_before_anything_is_asked(
    world: CommandWorld, arguments: list[str]
) -> None:
    assert world.ixctl("snapshot", *arguments).code == 2
    assert world.server.registered == []
