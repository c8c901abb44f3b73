"""Which server of a pair is used: the table, and courses of things that happen."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.core import pairs
from ixproxy.core.attempts import InTurn, OneOfMany
from ixproxy.core.link_states import State
from ixproxy.core.link_times import LinkTimes
from ixproxy.core.pairs import ROWS, TABLE, Act, Event, Other, Pair
from ixproxy.core.warm_standby import WarmStandby
from ixproxy.messages import ServerFacts
from tests.core.rig import EAST, at

DOWN, GREETING, JOINING, LINKED = State
THEIRS = {event for event in Event if event.name.startswith("OTHER")}
POSSIBLE = {
    DOWN: {Event.GONE, Event.LATE},
    GREETING: {Event.GONE, Event.LATE, Event.UNFIT, Event.OLDER},
    JOINING: {Event.GONE, Event.JOINED, Event.SILENT},
    LINKED: {Event.GONE, Event.SILENT},
}


def pair(count: int = 2, epoch: int = 0) -> Pair:
    found = Pair(InTurn(count, LinkTimes(), lambda: 0.0), pair=count > 1)
    found.epoch = epoch
    return found


def server(**more: Any) -> ServerFacts:
    return ServerFacts(**{"name": "east-b", "role": "node", "dbid": 101, "epoch": 5, **more})


def where(*acts: Act) -> set[tuple[State, Other, Event]]:
    return {key for key, (act, _) in TABLE.items() if act in acts}


def test_every_state_of_both_servers_has_a_row_for_all_that_can_happen_there() -> None:
    expected = {
        (state, other, event)
        for state, other in product(State, Other)
        for event in POSSIBLE[state] | THEIRS
    }
    assert set(TABLE) == expected


def test_what_cannot_happen_says_so_and_changes_nothing() -> None:
    for state, event in product(State, Event):
        if event not in POSSIBLE[state] | THEIRS:
            found = pair()
            with pytest.raises(ValueError, match=event.name):
                found.happened(state, event)
            assert (found.other, found.left) == (Other.UNKNOWN, False)


def test_no_two_rows_are_for_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "ROWS", (*ROWS, ROWS[0]))
    with pytest.raises(ValueError, match="two rows"):
        pairs._spelled_out()


def test_a_newer_lease_moves_the_link_from_everywhere_and_nothing_else_does() -> None:
    """Test idea 51 of the reference: both servers of a pair claim to be primary."""
    assert where(Act.MOVE) == set(product(State, Other, [Event.OTHER_NEWER]))


def test_a_link_that_is_there_ends_by_its_own_loss_or_by_a_newer_lease_only() -> None:
    ends = {event for _, _, event in where(Act.MOVE, Act.AGAIN, Act.TURN) if event not in THEIRS}
    there = {
        event
        for state, _, event in where(Act.MOVE, Act.AGAIN, Act.TURN)
        if state in (JOINING, LINKED)
    }
    assert there == {Event.GONE, Event.OTHER_NEWER}
    assert Event.SILENT not in ends, "silence makes suspect; keep-alive ends a link"


def test_a_mistake_in_the_deployment_is_reported_once_in_every_state() -> None:
    fit = set(Other) - {Other.UNFIT}
    assert where(Act.REPORT) == set(product(State, fit, [Event.OTHER_UNFIT]))


def test_nothing_that_a_node_answers_to_requests_is_an_input() -> None:
    """Health is what the transport does: there is no event for an error answer."""
    assert {event.name for event in Event} == {
        "GONE", "LATE", "UNFIT", "OLDER", "JOINED", "SILENT",
        "OTHER_GONE", "OTHER_LATE", "OTHER_UNFIT", "OTHER_OLDER", "OTHER_NEWER",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "state", "heard"),
    [
        (server(epoch=4), LINKED, Event.OTHER_OLDER),
        (server(epoch=5), LINKED, Event.OTHER_OLDER),
        (server(epoch=6), LINKED, Event.OTHER_NEWER),
        (server(epoch=4), DOWN, Event.OTHER_OLDER),
        (server(epoch=5), DOWN, Event.OTHER_NEWER),
        (server(epoch=5), GREETING, Event.OTHER_NEWER),
        (server(epoch=5), JOINING, Event.OTHER_OLDER),
        (server(dbid=102, epoch=9), LINKED, Event.OTHER_UNFIT),
        (server(role="proxy", dbid=0, epoch=0), DOWN, Event.OTHER_UNFIT),
    ],
)
def test_what_the_other_server_is_follows_from_what_it_says(
    answer: ServerFacts, state: State, heard: Event
) -> None:
    assert pair(epoch=5).heard_of(answer, at(EAST, "a", "b"), state) is heard


def test_an_older_server_is_used_only_when_the_other_was_tried_since() -> None:
    found = pair(epoch=6)
    assert not found.greeted(5)
    assert (found.attempts.current, found.other, found.pause) == (1, Other.SERVING, 0.0)
    found.begun()
    assert found.happened(DOWN, Event.GONE) is Act.TURN
    assert found.pause > 0, "the round is over"
    found.begun()
    assert found.greeted(5), "nobody else answers, and it can commit nothing anyhow"
    assert found.epoch == 5
    assert found.heard_of(server(epoch=6), at(EAST, "a", "b"), LINKED) is Event.OTHER_NEWER


def test_a_node_without_a_backup_is_used_whatever_its_lease() -> None:
    found = pair(1, epoch=9)
    assert found.greeted(2), "its database was restored"
    assert found.happened(LINKED, Event.GONE) is Act.AGAIN
    found.begun()
    assert [found.happened(DOWN, Event.GONE), found.attempts.current] == [Act.TURN, 0]


def test_what_happens_to_a_server_that_is_left_changes_nothing() -> None:
    found = pair()
    assert found.happened(GREETING, Event.UNFIT, "it is a proxy") is Act.TURN
    assert found.happened(GREETING, Event.GONE, "aborted") is Act.STAY
    assert (found.attempts.current, found.other, found.why) == (1, Other.UNFIT, "it is a proxy")


def test_moves_are_counted_when_the_other_server_is_of_use() -> None:
    found = pair()
    for state, event in (
        (JOINING, Event.JOINED),
        (LINKED, Event.GONE),
        (JOINING, Event.JOINED),
        (LINKED, Event.OTHER_NEWER),
        (JOINING, Event.JOINED),
        (LINKED, Event.OTHER_NEWER),
        (DOWN, Event.GONE),
        (JOINING, Event.JOINED),
    ):
        found.begun()
        found.happened(state, event)
    assert (found.moves, found.vain) == (1, 1), "the last move came to nothing"
    found.happened(LINKED, Event.GONE)
    assert found.vain == 0


def test_a_reason_is_news_once_for_each_server() -> None:
    found = pair()
    said = []
    for _ in range(3):
        for reason in ("timed out", "connection refused"):
            found.begun()
            said.append(found.is_news(reason))
            found.happened(DOWN, Event.GONE, reason)
    assert said == [True, True, False, False, False, False]
    found.begun()
    found.happened(JOINING, Event.JOINED)
    assert found.is_news("timed out")


def test_of_proxies_the_next_in_their_order_is_the_other_one() -> None:
    order = OneOfMany((1, 1, 1), WarmStandby(10.0, 2.0), lambda: 0.5)
    found = Pair(order, pair=False)
    pauses = []
    for _ in range(3):
        found.begun()
        found.happened(GREETING, Event.LATE)
        pauses.append(found.pause)
    assert pauses == [0.0, 0.0, 11.0]


class World:
    """Two servers as they may be, and a proxy that tries them; counts time by its pauses."""

    def __init__(self, epochs: Sequence[int | None], hangs: Sequence[bool]) -> None:
        self.epochs = list(epochs)
        self.hangs = list(hangs)
        self.pair = pair()
        self.state = DOWN
        self.seconds = 0.0
        self.at_once = 0

    def attempt(self) -> None:
        """The server in turn is tried, as far as it goes; the other is asked meanwhile."""
        found = self.pair
        found.begun()
        self.at_once = 0 if found.pause else self.at_once + 1
        self.seconds += found.pause
        here = found.attempts.current
        epoch = self.epochs[here]
        if self.hangs[here]:
            self.at_once = 0
            self.seconds += 1.0
            if self.ask() is not Act.MOVE:
                found.happened(GREETING, Event.LATE)
        elif epoch is None:
            found.happened(DOWN, Event.GONE)
        elif found.greeted(epoch):
            found.happened(JOINING, Event.JOINED)
            self.state = LINKED

    def ask(self) -> Act:
        """The other one is asked."""
        found = self.pair
        other = 1 - found.attempts.current
        epoch = self.epochs[other]
        if self.hangs[other]:
            return found.happened(self.state, Event.OTHER_LATE)
        if epoch is None:
            return found.happened(self.state, Event.OTHER_GONE)
        heard = found.heard_of(server(epoch=epoch), at(EAST, "a", "b"), self.state)
        act = found.happened(self.state, heard)
        if act is Act.MOVE:
            self.state = DOWN
        return act

    def rest(self) -> None:
        """Time enough to find who is there."""
        for _ in range(12):
            if self.state is LINKED:
                self.seconds += 1.0
                self.ask()
            else:
                self.attempt()
            assert self.at_once <= 3, "a cycle without a pause"

    def change(self, epochs: Sequence[int | None], hangs: Sequence[bool]) -> None:
        """The servers are otherwise from now on; a connection to one that is gone is lost."""
        self.epochs, self.hangs = list(epochs), list(hangs)
        if self.state is LINKED and self.epochs[self.pair.attempts.current] is None:
            self.pair.happened(LINKED, Event.GONE)
            self.state = DOWN


SHAPES = st.tuples(
    st.lists(st.one_of(st.none(), st.integers(1, 4)), min_size=2, max_size=2),
    st.lists(st.booleans(), min_size=2, max_size=2),
)


@given(st.lists(SHAPES, min_size=1, max_size=6))
def test_whatever_was_before_the_newest_server_that_answers_is_used_in_the_end(
    shapes: list[tuple[list[int | None], list[bool]]],
) -> None:
    world = World(*shapes[0])
    for epochs, hangs in shapes:
        world.change(epochs, hangs)
        world.rest()
        answering = [
            epoch
            for epoch, hanging in zip(epochs, hangs, strict=True)
            if epoch is not None and not hanging
        ]
        used = epochs[world.pair.attempts.current]
        if answering and world.state is LINKED:
            assert used is not None
            assert used >= max(answering), "an older one is never used while a newer one answers"
        elif answering:
            pytest.fail("somebody answers, and is not linked")


@given(st.lists(SHAPES, min_size=1, max_size=6))
def test_the_link_does_not_flap_while_nothing_changes(
    shapes: list[tuple[list[int | None], list[bool]]],
) -> None:
    world = World(*shapes[0])
    for epochs, hangs in shapes:
        world.change(epochs, hangs)
        world.rest()
        moves = world.pair.moves
        world.rest()
        world.rest()
        assert world.pair.moves == moves


def test_a_deployment_may_name_other_servers_beside_the_one_in_use() -> None:
    found = pair()
    found.happened(JOINING, Event.JOINED)
    found.happened(LINKED, Event.OTHER_GONE)
    order = InTurn(2, LinkTimes(), lambda: 0.0)
    order.go_to(1)
    found.use(order, pair=True)
    assert found.other is Other.UNKNOWN
    found.happened(LINKED, Event.GONE)
    found.begun()
    found.happened(JOINING, Event.JOINED)
    assert found.moves == 0, "it is the same server in another place"
