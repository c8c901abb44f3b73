from __future__ import annotations

from collections import Counter

from ixproxy import messages as m
from ixproxy.messages.interactions import SnapshotRequest
from ixproxy.testing.snapshot_scripts import MOST_OPEN, snapshot_script
from ixproxy.testing.steps import Action, Ask, Lose, ReadAll, Script
from ixproxy.wire.codec import encode

MANY = [snapshot_script(seed) for seed in range(60)]


def about_snapshots(action: Action) -> bool:
    """Whether it is one of those that this module adds."""
    return isinstance(action, ReadAll) or (
        isinstance(action, Ask)
        and isinstance(action.request, SnapshotRequest | m.RequestTakeSnapshot)
    )


def actions(script: Script) -> list[Action]:
    return [action for actions in script.rounds for action in actions]


def test_a_seed_always_writes_the_same_script_and_another_seed_another() -> None:
    assert snapshot_script(7) == snapshot_script(7)
    assert snapshot_script(7) != snapshot_script(8)


def test_what_is_about_a_snapshot_stands_alone() -> None:
    for script in MANY:
        for together in script.rounds:
            assert len(together) == 1 or not any(map(about_snapshots, together))


def test_snapshots_are_named_by_the_number_of_their_take() -> None:
    for script in MANY:
        taken = 0
        for action in actions(script):
            if isinstance(action, ReadAll):
                assert 0 < action.snapshot <= taken + 1
            elif isinstance(action, Ask) and isinstance(action.request, SnapshotRequest):
                assert 0 < action.request.snapshot_id <= taken + 1
            elif isinstance(action, Ask) and isinstance(action.request, m.RequestTakeSnapshot):
                taken += 1


def test_nobody_loses_a_connection_with_a_snapshot() -> None:
    for script in MANY:
        owners: dict[int, int] = {}
        taken = 0
        for action in actions(script):
            if isinstance(action, Lose):
                assert action.client not in owners.values()
            elif isinstance(action, Ask):
                if isinstance(action.request, m.RequestTakeSnapshot):
                    taken += 1
                    if action.request.condition != "no such (":
                        owners[taken] = action.client
                elif isinstance(action.request, m.RequestReleaseSnapshot):
                    number = action.request.snapshot_id
                    if owners.get(number) == action.client:
                        del owners[number]
            elif type(action).__name__ == "Renew":
                owners = {each: of for each, of in owners.items() if of != action.client}  # type: ignore[union-attr]
            assert len(owners) <= MOST_OPEN


def test_every_request_can_be_sent_and_all_seven_are() -> None:
    seen: Counter[str] = Counter()
    for script in MANY:
        for action in actions(script):
            if isinstance(action, ReadAll):
                seen["read"] += 1
            elif isinstance(action, Ask):
                assert encode(action.request)
                seen[type(action.request).__name__] += 1
    for wanted in (
        "read",
        "RequestTakeSnapshot",
        "RequestLockInteraction",
        "RequestUnlockInteraction",
        "RequestMoveInteractions",
        "RequestStopInteractions",
        "RequestReleaseSnapshot",
    ):
        assert seen[wanted] >= 30, wanted
