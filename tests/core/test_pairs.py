"""Which server of a pair serves its node."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy.core.links import Link, State
from ixproxy.core.pairs import ACTS, Act, Heard, act_on, heard_of
from ixproxy.messages import ServerFacts
from tests.core.rig import EAST, Rig


def link(epoch: int = 5) -> Link:
    rig = Rig()
    found = rig.core.link(EAST)
    found.server = server(epoch=epoch)
    return found


def server(**more: Any) -> ServerFacts:
    return ServerFacts(**{"name": "east-b", "role": "node", "dbid": 101, "epoch": 5, **more})


def where(act: Act) -> set[tuple[State, Heard]]:
    return {(state, heard) for state in State for heard in Heard if ACTS[state][heard] is act}


def test_the_table_is_total() -> None:
    assert set(ACTS) == set(State)
    assert all(set(row) == set(Heard) for row in ACTS.values())


def test_only_a_newer_lease_of_a_node_that_is_known_moves_the_link() -> None:
    assert where(Act.MOVE) == {(State.JOINING, Heard.NEWER), (State.LINKED, Heard.NEWER)}


def test_another_server_is_reported_in_every_state() -> None:
    assert where(Act.REPORT) == {(state, Heard.STRANGER) for state in State}


@pytest.mark.parametrize(
    ("answer", "heard"),
    [
        (None, Heard.NOBODY),
        (server(epoch=4), Heard.OLDER),
        (server(epoch=5), Heard.SAME),
        (server(epoch=6), Heard.NEWER),
        (server(dbid=102, epoch=9), Heard.STRANGER),
        (server(role="proxy", dbid=0, epoch=0), Heard.STRANGER),
    ],
)
def test_what_a_server_is_follows_from_what_it_says(
    answer: ServerFacts | None, heard: Heard
) -> None:
    assert heard_of(answer, link(epoch=5)) is heard


def test_both_servers_say_that_they_are_primary() -> None:
    """Test idea 51: the one with the newer lease is the node, whichever is linked."""
    for mine, theirs, act in ((5, 6, Act.MOVE), (6, 5, Act.STAY), (5, 5, Act.STAY)):
        found = link(epoch=mine)
        assert act_on(heard_of(server(epoch=theirs), found), found) is act
