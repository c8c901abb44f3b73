from __future__ import annotations

from ixproxy.node.long_plans import Found, Moving, Taking


def test_what_is_logged_of_a_snapshot_on_its_way_names_no_interactions() -> None:
    found = tuple(Found(name, 0, 1) for name in ("a-secret", "b"))
    assert repr(Taking(found, None, 5.0, at=1)) == "Taking(1 of 2)"


def test_moving_begins_with_nothing_done() -> None:
    assert Moving() == Moving(at=0, done=0, errors={})
