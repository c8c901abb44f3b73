from __future__ import annotations

from typing import Any

import pytest

from ixproxy.node.rows import InteractionRow, PartyRow
from ixproxy.testing.simulation.pushed_work import Place, PushedWork, Take
from ixproxy.values import PartyType
from tests.testing.simulation.small_worlds import pushed_to, routed, running, small_world

NODE = "node1"
ONE, OTHER = b"1" * 16, b"2" * 16


class Book(PushedWork):
    """With what is broken."""

    def __init__(self, **world: Any) -> None:
        self.rules: list[str] = []
        super().__init__(small_world(**world), lambda rule, _: self.rules.append(rule))

    def commit(self, *puts: Any, deletes: tuple[Any, ...] = ()) -> list[str]:
        """One commit with these rows; what it breaks."""
        self.rules.clear()
        self.written(NODE, puts, deletes)
        self.committed(NODE)
        return list(self.rules)


def interaction(id: str = "a", **more: Any) -> InteractionRow:
    return InteractionRow(**{"id": id, "tenant_id": 1, "media_type": "email", **more})


def party(number: int, id: str = "a", session: bytes = ONE, **more: Any) -> PartyRow:
    usual = {"party_type": PartyType.ROUTER, "strategy_id": "Mail"}
    return PartyRow(
        interaction_id=id,
        session=session,
        tenant_id=1,
        take_number=number,
        joined_at=0.0,
        **{**usual, **more},
    )


def test_a_push_is_a_take_by_a_router_and_nobody_elses() -> None:
    book = Book()
    pulled = party(5, party_type=PartyType.STRATEGY)
    assert book.commit(interaction(), pulled) == []
    assert book.takes == {}
    assert book.commit(interaction(), party(7)) == []
    assert book.takes == {(NODE, "a", ONE): Take(7, "Mail")}
    assert book.commit(party(7)) == [], "the same take"
    assert book.pushes == 1


@pytest.mark.parametrize(
    ("row", "place"),
    [
        (interaction(queue="Done"), Place("Done")),
        (
            interaction(queue="workbin:Drafts", workbin_type="Drafts", workbin_agent="anna"),
            Place(workbin="Drafts", owner="anna"),
        ),
        (None, Place(gone=True)),
    ],
)
def test_where_it_is_when_a_take_is_over(row: InteractionRow | None, place: Place) -> None:
    book = Book()
    book.commit(interaction(), party(7))
    gone = ("parties", ("a", ONE))
    if row is None:
        book.commit(deletes=(gone, ("interactions", ("a",))))
    else:
        book.commit(row, deletes=(gone,))
    assert book.takes == {}
    assert book.over == {("a", 7): place}


def test_pushed_again_to_the_same_router_it_is_another_take() -> None:
    book = Book()
    book.commit(interaction(), party(7))
    assert book.commit(interaction(queue="Routed"), party(9)) == []
    assert book.over == {("a", 7): Place("Routed")}
    assert book.takes == {(NODE, "a", ONE): Take(9, "Mail")}


def test_pushed_to_two_routers() -> None:
    book = Book()
    book.commit(interaction(), party(7))
    broken = book.commit(interaction(), party(9, session=OTHER))
    assert broken == ["each_is_pushed_to_one_router_at_a_time"]


@pytest.mark.parametrize("how", [{"is_held": 1}, {"is_locked": 1}])
def test_pushed_while_it_is_on_hold_or_locked(how: dict[str, Any]) -> None:
    broken = Book().commit(interaction(**how), party(7))
    assert broken == ["what_is_locked_or_on_hold_is_not_pushed"]


def test_what_is_held_by_its_router_was_not_when_it_was_pushed() -> None:
    book = Book()
    book.commit(interaction(), party(7))
    assert book.commit(interaction(is_held=1), party(7)) == []


def test_more_than_a_router_may_have() -> None:
    book = Book(per_router=1)
    assert book.commit(interaction(), party(7)) == []
    assert book.commit(interaction("b"), party(8, "b", OTHER)) == []
    assert book.commit(interaction("c"), party(9, "c")) == ["no_router_has_more_than_it_may"]


def test_more_than_a_strategy_may_have() -> None:
    book = Book(per_strategy=1)
    assert book.commit(interaction(), party(7)) == []
    assert book.commit(interaction("b"), party(8, "b", OTHER, strategy_id="Fast")) == []
    broken = book.commit(interaction("c"), party(9, "c", OTHER))
    assert broken == ["no_strategy_has_more_than_it_may"]


def test_the_book_of_a_run_has_what_its_nodes_push() -> None:
    with running(pushed=True, nodes=1, pushers=2) as run:
        assert [player.name for player in run.there("urs")] == ["urs-1", "urs-2"]
        identifier = routed(run)
        ((node, pushed, session),) = run.pushed.takes
        assert (node, pushed) == ("node1", identifier)
        assert session in {player.session for player in run.there("urs")}
        router = pushed_to(run, ("Fast",))
        assert (run.pushed.loaded[router], run.pushed.node[router]) == (("Fast",), 0)
        assert run.breach is None
