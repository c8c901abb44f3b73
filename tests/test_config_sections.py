from __future__ import annotations

from dataclasses import dataclass

from ixproxy.config_keys import Kind
from ixproxy.config_options import NodeLicences
from ixproxy.config_sections import choice, flag, limit, names, option_keys, section_of, text, whole


@dataclass(frozen=True, slots=True)
class Section:
    pull_hold_timeout: int = whole(10, 1, 600, "seconds", "How long.")
    most: int | None = limit(0, 5, "things", "How many.")
    fast: bool = flag(True, "Whether.")
    way: str = choice("up", ("up", "down"), "Where to.")
    names: tuple[str, ...] = names("Which.", served=False)
    note: str = text("", "What.")


def test_options_are_spelled_with_dashes_and_have_a_key_each() -> None:
    keys = option_keys(Section)
    assert list(keys) == ["pull-hold-timeout", "most", "fast", "way", "names", "note"]
    assert keys["pull-hold-timeout"].expected == "a whole number of seconds from 1 to 600"
    assert keys["names"].kind is Kind.NAMES
    assert not keys["names"].served


def test_what_is_not_given_is_default() -> None:
    assert section_of(Section, {}) == Section()
    made = section_of(Section, {"pull-hold-timeout": 3, "way": "down", "other": 1})
    assert (made.pull_hold_timeout, made.way, made.fast) == (3, "down", True)


def test_the_one_option_with_underscores_keeps_them() -> None:
    assert list(option_keys(NodeLicences)) == ["ics_multi_media_agent_seat"]
    assert section_of(NodeLicences, {"ics_multi_media_agent_seat": 30}) == NodeLicences(30)
