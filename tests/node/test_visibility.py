from __future__ import annotations

import pytest

from ixproxy.node.rows import InteractionRow, PartyRow
from ixproxy.node.visibility import (
    COACH,
    CONFERENCE,
    MODES,
    MONITOR,
    assigned,
    foremost,
    ordinary,
    seeing,
)


def party(mode: str, take: int = 1, agent_id: str = "") -> PartyRow:
    return PartyRow(
        interaction_id="i",
        session=mode.encode(),
        tenant_id=1,
        party_type=2,
        take_number=take,
        joined_at=0.0,
        agent_id=agent_id,
        visibility_mode=mode,
    )


OTHERS = [party(mode) for mode in ("", *MODES)]


@pytest.mark.parametrize(
    ("mode", "seen_by"),
    [
        ("", ["", CONFERENCE, COACH, MONITOR]),
        (CONFERENCE, ["", CONFERENCE, COACH, MONITOR]),
        (COACH, ["", CONFERENCE]),
        (MONITOR, []),
    ],
)
def test_the_mode_says_who_is_told(mode: str, seen_by: list[str]) -> None:
    assert [other.visibility_mode for other in seeing(party(mode), OTHERS)] == seen_by
    assert ordinary(party(mode)) == (mode not in (COACH, MONITOR))


def test_the_longest_of_those_who_handle_it_stands_for_all() -> None:
    assert foremost([]) is None
    watcher = party(MONITOR, 1)
    assert foremost([watcher]) is watcher
    first, second = party(CONFERENCE, 3), party("", 4)
    assert foremost([watcher, second, first]) is first
    assert foremost([party(COACH, 2), watcher]) is watcher


def test_who_handles_an_interaction_keeps_it_whoever_comes_and_goes() -> None:
    def assigned_to(before: str | None, *parties: PartyRow, joined: PartyRow | None = None) -> str:
        row = InteractionRow(
            id="i", tenant_id=1, media_type="email", queue="Q", state=3, assigned_to=before
        )
        return assigned(row, parties, joined) or ""

    ann, bob = party("", 1, "Ann"), party(CONFERENCE, 2, "Bob")
    coach, monitor = party(COACH, 3, "Eve"), party(MONITOR, 4, "Kim")
    assert assigned_to("Ann", ann, bob, joined=bob) == "Ann"
    assert assigned_to("Bob", ann, bob, coach, joined=coach) == "Bob"
    assert assigned_to("Ann", bob, coach) == "Bob"
    assert assigned_to("Ann", bob, joined=bob) == "Bob"
    assert assigned_to("Zoe", ann, bob, joined=bob) == "Bob"
    assert assigned_to("Ann", coach, monitor) == "Eve"
    assert assigned_to("Eve", coach, bob, joined=bob) == "Bob"
    assert assigned_to("Ann") == ""
