from __future__ import annotations

import pytest

from ixproxy.node.rows import PartyRow
from ixproxy.node.visibility import COACH, CONFERENCE, MODES, MONITOR, foremost, ordinary, seeing


def party(mode: str, take: int = 1) -> PartyRow:
    return PartyRow(
        interaction_id="i",
        session=mode.encode(),
        tenant_id=1,
        party_type=2,
        take_number=take,
        joined_at=0.0,
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
