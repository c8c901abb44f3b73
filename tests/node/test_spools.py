"""What is gathered for event logs while a batch runs, and how much waits for each."""

from __future__ import annotations

import pytest

from ixproxy.messages import EventAgentLogin, EventHeld
from ixproxy.node.journal import Journal
from ixproxy.node.log_packs import Amount, Packed, consumer_of, gap_of, pack_of, packed
from ixproxy.node.log_rules import LogRules
from ixproxy.node.log_work import Bound, Dropped
from ixproxy.node.rows import OutboxRow
from ixproxy.node.spools import Spool, Spools
from ixproxy.storage.sqlite import SqliteStore
from ixproxy.storage.sqlite_places import SqliteMemory

HELD = EventHeld(event_number=7)
SIZE = packed(HELD).size
OLD = Amount(40, 5000)


def waits(oldest: int, next: int) -> Spool:
    """A spool of events of one size."""
    return Spool(Amount(oldest, oldest * SIZE), Amount(next, next * SIZE))


@pytest.fixture
def store() -> SqliteStore:
    made = SqliteStore(SqliteMemory())
    made.open(0.0)
    return made


def keep(
    store: SqliteStore, *bodies: tuple[int, bytes], consumer: str = consumer_of("log")
) -> None:
    store.begin()
    store.write([OutboxRow(event_number=n, consumer=consumer, body=b) for n, b in bodies], [])
    store.commit(100)


def spool_of(store: SqliteStore) -> Spool:
    spools = Spools(Journal())
    spools.use(store, {"log": LogRules()})
    return spools.spools["log"]


def some(number: int) -> list[Packed]:
    return [packed(HELD)] * number


def test_a_new_log_has_nothing(store: SqliteStore) -> None:
    assert spool_of(store) == Spool(Amount(0, 0), Amount(0, 0), None)


def test_what_an_earlier_term_left_is_known_from_the_oldest_row_and_the_newest(
    store: SqliteStore,
) -> None:
    between = Amount(43, 5000 + 3 * SIZE)
    keep(store, (5, pack_of(1, OLD, some(3))), (9, pack_of(2, between, some(4))))
    found = spool_of(store)
    assert found == Spool(OLD, Amount(47, 5000 + 7 * SIZE))
    assert (found.waiting, found.waiting_bytes) == (7, 7 * SIZE)
    keep(store, (10, gap_of(2, found.next, Dropped(10, 12, 0.0, 0.0, {"EventHeld": 3}))))
    assert spool_of(store) == found, "and no gap of another term grows"


@pytest.mark.parametrize(
    ("rows", "spool"),
    [
        ([(5, b"x")], Spool()),
        ([(5, b"x"), (6, pack_of(1, Amount(40, 40 * SIZE), some(1)))], waits(41, 41)),
        ([(5, pack_of(1, OLD, some(1))), (6, b"x")], Spool(OLD, OLD)),
    ],
)
def test_rows_that_cannot_be_read_are_not_counted(
    store: SqliteStore, rows: list[tuple[int, bytes]], spool: Spool
) -> None:
    keep(store, *rows)
    assert spool_of(store) == spool


def test_a_log_that_is_known_is_not_counted_again(store: SqliteStore) -> None:
    spools = Spools(Journal())
    spools.use(store, {"log": LogRules()})
    spools.set("log", waits(1, 9))
    spools.use(store, {"log": LogRules(max_queue=5), "other": LogRules()})
    assert spools.spools == {"log": waits(1, 9), "other": Spool()}
    assert spools.rules["log"].max_queue == 5


def test_what_is_undone_was_not_gathered(store: SqliteStore) -> None:
    journal = Journal()
    spools = Spools(journal)
    spools.use(store, {"log": LogRules()})
    spools.gather(("log",), HELD)
    mark = journal.mark()
    spools.gather(("log",), HELD)
    spools.set("log", waits(0, 5))
    journal.undo(mark)
    assert [each.number for each in spools.gathered] == [7]
    assert spools.spools["log"] == Spool()
    spools.begin()
    assert spools.gathered == []


def test_nobody_wants_anything_where_there_is_no_log(store: SqliteStore) -> None:
    spools = Spools(Journal())
    assert spools.of(EventHeld) == ()
    spools.use(store, {"log": LogRules(agent_state=False)})
    assert spools.of(EventHeld) == ("log",)
    assert spools.of(EventAgentLogin) == ()


def test_what_any_of_the_logs_needs_is_needed(store: SqliteStore) -> None:
    spools = Spools(Journal())
    lean = LogRules(properties=frozenset({"ExternalId"}))
    other = LogRules(properties=frozenset({"ExternalId", "UserData"}))
    spools.use(store, {"lean": lean, "other": other, "whole": LogRules()})
    assert spools.needed(("lean",)) == lean.properties
    assert spools.needed(("lean", "other")) == other.properties
    assert spools.needed(("lean", "whole")) is None
    spools.use(store, {"lean": LogRules(properties=frozenset())})
    assert spools.needed(("lean",)) == frozenset()


def test_a_mandatory_log_is_full_with_what_the_batch_has_gathered_counted_in(
    store: SqliteStore,
) -> None:
    spools = Spools(Journal())
    rules = {"log": LogRules(max_queue=3, mandatory=True), "free": LogRules(max_queue=1)}
    spools.use(store, rules)
    spools.set("free", waits(0, 5))
    assert spools.full() == {}
    spools.set("log", waits(10, 12))
    spools.gather(("free",), HELD)
    assert spools.full() == {}
    spools.gather(("free", "log"), HELD)
    assert spools.full() == {"log": Bound.EVENTS}
    spools.begin()
    assert spools.full() == {}
    spools.set("log", waits(10, 13))
    assert spools.full() == {"log": Bound.EVENTS}


def test_a_mandatory_log_is_full_by_the_bound_in_bytes_as_well(store: SqliteStore) -> None:
    spools = Spools(Journal())
    spools.use(store, {"log": LogRules(max_queue=9, max_bytes=4 * SIZE, mandatory=True),
                       "free": LogRules()})  # fmt: skip
    spools.set("log", waits(10, 12))
    spools.gather(("log",), HELD)
    spools.gather(("free",), HELD)
    assert spools.full() == {}
    spools.gather(("log",), HELD)
    assert spools.full() == {"log": Bound.BYTES}
    spools.begin()
    assert spools.full() == {}
    spools.set("log", waits(10, 14))
    assert spools.full() == {"log": Bound.BYTES}
    spools.set("log", waits(10, 19))
    assert spools.full() == {"log": Bound.EVENTS}, "of both the one that more know of"


def test_what_was_gathered_is_summed_up_however_much_of_it_is_undone(store: SqliteStore) -> None:
    journal = Journal()
    spools = Spools(journal)
    spools.use(store, {"log": LogRules()})
    spools.gather(("log",), HELD)
    mark = journal.mark()
    spools.gather(("log",), HELD)
    journal.undo(mark)
    spools.gather(("log",), HELD)
    assert [each.so_far for each in spools.gathered] == [SIZE, 2 * SIZE]


def test_logs_that_have_rows_and_no_rules_are_known(store: SqliteStore) -> None:
    keep(store, (5, pack_of(1, OLD, some(3))))
    keep(store, (6, pack_of(1, OLD, some(2))), consumer="log:gone")
    keep(store, (7, b"x"), consumer="log:broken")
    keep(store, (8, b"x"), consumer="capture:mail")
    spools = Spools(Journal())
    spools.use(store, {"log": LogRules(), "new": LogRules()})
    assert spools.left_behind == {"gone": Amount(2, 2 * SIZE), "broken": Amount(0, 0)}
    spools.use(store, {"gone": LogRules()})
    assert spools.left_behind == {"log": Amount(3, 3 * SIZE), "broken": Amount(0, 0)}
