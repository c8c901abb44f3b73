"""How agent seats are given out."""

from __future__ import annotations

import pytest

from ixproxy.config import load
from ixproxy.config_licences import shares
from tests.config_cases import GOOD, put
from tests.test_config_advice import said

NODE = """
[applications.ixn{0}]
type = "Interaction Server"
dbid = 10{0}
tenants = ["Environment"]
listen = "tcp:710{0}:interface=127.0.0.1"
store = "sqlite:ixn{0}.db"
"""
OWN = "[applications.ixn{0}.options.licences]\nics_multi_media_agent_seat = {1}\n"


def given(seats: int | None, *own: int | None) -> dict[str, int | None]:
    """What four nodes have; the last of the file has the first dbid."""
    text = f"[licences]\nagent-seats = {seats}\n" if seats is not None else ""
    text += "[tenants.Environment]\nid = 1\n"
    for number in reversed(range(1, len(own) + 1)):
        text += NODE.format(number)
        text += OWN.format(number, own[number - 1]) if own[number - 1] is not None else ""
    return shares(load(text))


def test_the_worked_example_of_the_guide() -> None:
    assert list(given(100, 30, 30, 30, 30).values()) == [30, 30, 30, 10]


@pytest.mark.parametrize(
    ("seats", "own", "found"),
    [
        (None, (30, None), [30, None]),
        (100, (None, 30), [100, 0]),
        (100, (0, 30), [0, 30]),
        (0, (30, 30), [0, 0]),
        (60, (30, 30), [30, 30]),
        (None, (None, None), [None, None]),
    ],
)
def test_a_node_has_what_it_asks_for_or_what_is_left(
    seats: int | None, own: tuple[int | None, ...], found: list[int | None]
) -> None:
    assert list(given(seats, *own).values()) == found
    assert list(given(seats, *own)) == ["ixn1", "ixn2"]


def test_equal_shares_are_no_matter_for_advice() -> None:
    text = put(GOOD, "licences", "agent-seats = 60")
    for name in ("ixn1", "ixn2"):
        text = put(text, f"applications.{name}.options.licences", "ics_multi_media_agent_seat = 30")
    assert said(text) == []


def test_the_capacity_of_the_guides_example_is_said() -> None:
    text = put(GOOD, "licences", "agent-seats = 40")
    for name in ("ixn1", "ixn2"):
        text = put(text, f"applications.{name}.options.licences", "ics_multi_media_agent_seat = 30")
    assert "ixn1 30, ixn2 10; agents log in on every node, so at most 10 agents" in str(said(text))
