from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from ixproxy.errors import CommitUncertain, StorageError
from ixproxy.node.rows import AgentRow, InteractionRow, InvitationRow, PartyRow
from ixproxy.storage.sqlite import SqliteStore
from ixproxy.storage.sqlite_places import SqliteMemory
from ixproxy.testing.faults import Fault
from ixproxy.testing.simulation.ledger import Ledger, ObservedStore


class Book:
    """A ledger, and what it says is broken."""

    def __init__(self) -> None:
        self.broken: list[str] = []
        self.ledger = Ledger(lambda rule, text: self.broken.append(rule))

    def store(self, node: str = "node1", place: SqliteMemory | None = None) -> ObservedStore:
        """A store that is open."""
        inner = SqliteStore(place or SqliteMemory(), {})
        store = ObservedStore(inner, node, self.ledger)
        store.open(0.0)
        return store


def interaction(identifier: str, **content: object) -> InteractionRow:
    """A row with some user data."""
    raw = msgspec.msgpack.encode(content)
    return InteractionRow(id=identifier, tenant_id=1, media_type="email", user_data=raw)


def commit(store: ObservedStore, *puts: object, deletes: object = (), number: int = 1) -> None:
    """One transaction."""
    store.begin()
    store.write(list(puts), list(deletes))  # type: ignore[call-overload]
    store.commit(number)


def test_it_knows_what_came_and_went() -> None:
    book = Book()
    store = book.store()
    commit(store, interaction("a", tag=7, m1=1))
    ledger = book.ledger
    assert (ledger.born, ledger.tags, ledger.marks) == ({"a": "node1"}, {7: ["a"]}, {"m1": "a"})
    commit(store, deletes=[("interactions", ("a",))], number=2)
    assert ledger.died == {"a": "node1"}
    assert ledger.owners == {}
    assert book.broken == []


def test_it_knows_which_nodes_an_agent_was_on() -> None:
    book = Book()
    ledger = book.ledger
    anna = AgentRow(tenant_id=1, agent_id="anna", number=5, dbid=101)
    commit(book.store(), anna)
    assert ledger.logins == {}, "it is provisional"
    for number, node in ((1, "node1"), (2, "node2")):
        commit(book.store(node), replace(anna, confirmed=True), number=number)
    assert ledger.logins == {(1, "anna", (5, 101)): {"node1", "node2"}}


def test_it_knows_who_had_what() -> None:
    book = Book()
    party = PartyRow(
        interaction_id="a", session=b"s", tenant_id=1, party_type=2, take_number=5,
        joined_at=0.0, agent_id="anna",
    )  # fmt: skip
    commit(book.store(), interaction("a"), party)
    ledger = book.ledger
    assert ledger.takes == {(b"s", "a", 5)}
    assert (ledger.sessions_of, ledger.agents_of) == ({"a": {b"s"}}, {"a": {"anna"}})


def test_it_knows_who_was_invited() -> None:
    book = Book()
    invitation = InvitationRow(
        ticket=3, interaction_id="a", tenant_id=1, operation="Deliver", agent_id="bert",
        agent_number=1, agent_dbid=1, inviter=b"r",
    )  # fmt: skip
    commit(book.store(), interaction("a"), invitation)
    assert book.ledger.agents_of == {"a": {"bert"}}
    assert book.ledger.sessions_of == {"a": {b"r"}}


def test_what_is_not_committed_does_not_count() -> None:
    book = Book()
    store = book.store()
    store.begin()
    store.write([interaction("a")], [])
    store.rollback()
    for fault, error in (
        (Fault.UNDONE_AND_RAISED, CommitUncertain),
        (Fault.DISK_FULL, StorageError),
    ):
        store.fail_next("commit", fault)
        with pytest.raises(error):
            commit(store, interaction("a"))
    assert book.ledger.born == {}


def test_what_is_committed_counts_whatever_is_said_of_it() -> None:
    book = Book()
    store = book.store()
    store.fail_next("commit", Fault.DONE_BUT_RAISED)
    with pytest.raises(CommitUncertain):
        commit(store, interaction("a"))
    assert book.ledger.born == {"a": "node1"}


def test_an_epoch_may_not_come_twice() -> None:
    book = Book()
    store = book.store()
    book.ledger.opened(store, 1)
    assert book.broken == ["epochs_rise"]


def test_who_is_not_the_newest_may_write_nothing() -> None:
    book = Book()
    store = book.store()
    newer = ObservedStore(SqliteStore(SqliteMemory(), {}), "node1", book.ledger)
    book.ledger.opened(newer, 9)
    commit(store, interaction("a"))
    assert book.broken == ["only_the_newest_lease_writes"]


def test_events_are_not_numbered_downwards() -> None:
    book = Book()
    store = book.store()
    commit(store, number=5)
    book.ledger.committed(store, [], 4)
    assert book.broken == ["events_are_numbered_upwards"]


@pytest.mark.parametrize("ended", [False, True])
def test_an_interaction_may_not_come_twice(ended: bool) -> None:
    book = Book()
    first, second = book.store("node1"), book.store("node2")
    commit(first, interaction("a"))
    if ended:
        commit(first, deletes=[("interactions", ("a",))], number=2)
    commit(second, interaction("a"))
    assert book.broken == ["each_interaction_comes_once"]


def test_a_submit_may_not_make_two() -> None:
    book = Book()
    store = book.store()
    commit(store, interaction("a", tag=1), interaction("b", tag=1))
    assert book.broken == ["a_submit_makes_one_interaction"]


def test_a_change_may_not_be_made_to_two() -> None:
    book = Book()
    commit(book.store(), interaction("a", m1=1), interaction("b", m1=1))
    assert book.broken == ["a_change_is_made_once"]


def test_what_was_refused_may_not_be_done_later() -> None:
    book = Book()
    book.ledger.forbidden["m1"] = "it was refused"
    commit(book.store(), interaction("a", m1=1))
    assert book.broken == ["what_was_refused_is_not_done"]


def test_what_a_client_names_may_come_again() -> None:
    book = Book()
    store = book.store()
    commit(store, interaction("own-1", tag=1))
    commit(store, deletes=[("interactions", ("own-1",))], number=2)
    commit(store, interaction("own-1", tag=2), number=3)
    assert book.broken == []
    assert book.ledger.births["own-1"] == 2
    assert book.ledger.died == {}
    commit(book.store("node2"), interaction("own-1", tag=3))
    assert book.broken == ["each_interaction_comes_once"]
