from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from ixproxy.client import Client
from ixproxy.testing.inspection import doubled, imagined, stranded


@dataclass(eq=False)
class Holder:
    """As much of a client as is looked at."""

    session: bytes
    holding: dict[str, int] = field(default_factory=dict)
    doubtful: frozenset[str] = frozenset()
    connected: bool = True

    def __repr__(self) -> str:
        return self.session.decode()


def holder(session: bytes, **facts: Any) -> Client:
    return cast(Client, Holder(session, **facts))


def interaction(identifier: str = "A", state: int = 3, node: str = "node1") -> dict[str, Any]:
    return {"node": node, "id": identifier, "state": state}


def party(session: bytes = b"one", number: int = 5, node: str = "node1") -> dict[str, Any]:
    return {"node": node, "interaction_id": "A", "session": session, "take_number": number}


HOLDS = holder(b"one", holding={"A": 5})


def test_all_is_well_when_everybody_agrees() -> None:
    assert stranded([interaction()], [party()], [HOLDS]) == []
    assert doubled([interaction()], [HOLDS]) == []
    assert imagined([party()], [HOLDS]) == []
    assert stranded([interaction(state=0)], [], []) == []


@pytest.mark.parametrize("state", [2, 3])
@pytest.mark.parametrize(
    ("parties", "clients", "text"),
    [
        ([], [HOLDS], "A on node1 is taken by nobody"),
        ([party(node="node2")], [HOLDS], "A on node1 is taken by nobody"),
        ([party()], [], "A on node1 is taken by one who is gone"),
        ([party()], [holder(b"one")], "A on node1 is taken by one as 5, which has None"),
        ([party(number=9)], [HOLDS], "A on node1 is taken by one as 9, which has 5"),
    ],
)
def test_an_interaction_without_its_holder_is_stranded(
    state: int, parties: list[dict[str, Any]], clients: list[Client], text: str
) -> None:
    assert stranded([interaction(state=state)], parties, clients) == [text]


def test_an_interaction_in_two_places_is_doubled() -> None:
    rows = [interaction(), interaction(node="node2"), interaction("B")]
    both = [HOLDS, holder(b"two", holding={"A": 9})]
    assert doubled(rows, []) == ["A is on node1, node2"]
    assert doubled([], both) == ["A is held by [one, two]"]


def test_what_no_node_knows_of_is_imagined_unless_it_is_in_doubt_or_the_client_is_away() -> None:
    assert imagined([], [HOLDS]) == ["one does not have A (taken as 5)"]
    assert imagined([party(number=4)], [HOLDS]) == ["one does not have A (taken as 5)"]
    assert imagined([], [holder(b"one", holding={"A": 5}, doubtful=frozenset("A"))]) == []
    assert imagined([], [holder(b"one", holding={"A": 5}, connected=False)]) == []


def invitation(inviter: bytes = b"one") -> dict[str, Any]:
    return {"node": "node1", "interaction_id": "A", "inviter": inviter}


def test_what_is_delivered_to_an_agent_is_with_nobody_for_a_while() -> None:
    assert stranded([interaction(state=2)], [], [HOLDS], [invitation()]) == []
    assert imagined([], [HOLDS], [invitation()]) == []
    assert imagined([], [HOLDS], [invitation(b"two")]) != []


def test_those_who_share_an_interaction_both_have_it() -> None:
    other = holder(b"two", holding={"A": 6})
    both = [party(), party(b"two", 6)]
    assert doubled([interaction()], [HOLDS, other], both) == []
    assert doubled([interaction()], [HOLDS, other]) == ["A is held by [one, two]"]
    assert stranded([interaction()], both, [HOLDS, other]) == []
