"""What becomes of an interaction, and what is seen of it."""

from __future__ import annotations

from ixproxy.cli.demo_agents import Fate, Manner, Seen, fate_of, manner_of


def test_only_what_was_known_when_the_pull_was_sent_counts_as_earlier() -> None:
    seen = Seen()
    seen.pulled("v", b"", {"a": b"\x05"})
    seen.pulled("v", b"", {"b": b"\x03"})
    assert (seen.pulls, seen.breaks) == (2, 0)
    seen.pulled("v", b"\x05", {"c": b"\x04"})
    seen.pulled("other", b"", {"d": b"\x01"})
    assert (seen.pulls, seen.breaks) == (4, 1)
    seen.pulled("v", b"\x05", {})
    assert (seen.pulls, seen.newest["v"]) == (4, b"\x05")


def test_one_that_two_have_at_a_time_is_seen() -> None:
    seen = Seen()
    seen.taken("a", "agent-1")
    seen.given_back("a")
    seen.taken("a", "agent-2")
    assert seen.taken_twice == 0
    seen.taken("a", "agent-3")
    assert seen.taken_twice == 1


def test_a_fate_belongs_to_an_id() -> None:
    fates = [fate_of(f"id-{number}") for number in range(2000)]
    assert fates == [fate_of(f"id-{number}") for number in range(2000)]
    assert fates.count(Fate.STOPPED) > 1300
    assert all(fates.count(fate) > 50 for fate in Fate)


def test_what_was_turned_down_breaks_no_order() -> None:
    seen = Seen(turned_down={"b"})
    seen.pulled("v", b"", {"a": b"\x05"})
    seen.pulled("v", b"\x05", {"b": b"\x03"})
    assert (seen.pulls, seen.breaks) == (1, 0)


def test_most_invitations_are_accepted() -> None:
    manners = [manner_of(f"id-{number}") for number in range(2000)]
    assert manners.count(Manner.ACCEPTED) > 1800
    assert manners.count(Manner.REJECTED) > manners.count(Manner.EXPIRED) > 5
