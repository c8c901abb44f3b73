"""What is gathered for event logs while a batch runs, and how much waits for each."""

from __future__ import annotations

import pytest

from ixproxy.messages import EventAgentLogin, EventHeld
from ixproxy.node.journal import Journal
from ixproxy.node.log_packs import consumer_of, gap_of, pack_of, packed
from ixproxy.node.log_rules import LogRules
from ixproxy.node.log_work import Dropped
from ixproxy.node.rows import OutboxRow
from ixproxy.node.spools import Spool, Spools
from ixproxy.storage.sqlite import SqliteStore
from ixproxy.storage.sqlite_places import SqliteMemory

HELD = EventHeld(event_number=7)


@pytest.fixture
def store() -> SqliteStore:
    made = SqliteStore(SqliteMemory())
    made.open(0.0)
    return made


def keep(store: SqliteStore, *bodies: tuple[int, bytes]) -> None:
    store.begin()
    store.write([OutboxRow(event_number=n, consumer=consumer_of("log"), body=b) for n, b in bodies],
                [])  # fmt: skip
    store.commit(100)


def spool_of(store: SqliteStore) -> Spool:
    spools = Spools(Journal())
    spools.use(store, {"log": LogRules()})
    return spools.spools["log"]


def some(number: int) -> list[object]:
    return [packed(HELD)] * number


def test_a_new_log_has_nothing(store: SqliteStore) -> None:
    assert spool_of(store) == Spool(0, 0, None)


def test_what_an_earlier_term_left_is_known_from_the_oldest_row_and_the_newest(
    store: SqliteStore,
) -> None:
    keep(store, (5, pack_of(1, 40, some(3))), (9, pack_of(2, 43, some(4))))  # type: ignore[arg-type]
    assert spool_of(store) == Spool(40, 47)
    assert spool_of(store).waiting == 7
    keep(store, (10, gap_of(2, 47, Dropped(10, 12, 0.0, 0.0, {"EventHeld": 3}))))
    assert spool_of(store) == Spool(40, 47), "and no gap of another term grows"


@pytest.mark.parametrize(
    ("rows", "spool"),
    [
        ([(5, b"x")], Spool(0, 0)),
        ([(5, b"x"), (6, pack_of(1, 40, [packed(HELD)]))], Spool(41, 41)),
        ([(5, pack_of(1, 40, [packed(HELD)])), (6, b"x")], Spool(40, 40)),
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
    spools.set("log", Spool(1, 9))
    spools.use(store, {"log": LogRules(max_queue=5), "other": LogRules()})
    assert spools.spools == {"log": Spool(1, 9), "other": Spool()}
    assert spools.rules["log"].max_queue == 5


def test_what_is_undone_was_not_gathered(store: SqliteStore) -> None:
    journal = Journal()
    spools = Spools(journal)
    spools.use(store, {"log": LogRules()})
    spools.gather(("log",), HELD)
    mark = journal.mark()
    spools.gather(("log",), HELD)
    spools.set("log", Spool(0, 5))
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


def test_user_data_is_needed_where_any_of_the_logs_needs_it(store: SqliteStore) -> None:
    spools = Spools(Journal())
    spools.use(store, {"lean": LogRules(userdata=False), "whole": LogRules()})
    assert not spools.need_userdata(("lean",))
    assert spools.need_userdata(("lean", "whole"))


def test_a_mandatory_log_is_full_with_what_the_batch_has_gathered_counted_in(
    store: SqliteStore,
) -> None:
    spools = Spools(Journal())
    rules = {"log": LogRules(max_queue=3, mandatory=True), "free": LogRules(max_queue=1)}
    spools.use(store, rules)
    spools.set("free", Spool(0, 5))
    assert spools.full() == ()
    spools.set("log", Spool(10, 12))
    spools.gather(("free",), HELD)
    assert spools.full() == ()
    spools.gather(("free", "log"), HELD)
    assert spools.full() == ("log",)
    spools.begin()
    assert spools.full() == ()
    spools.set("log", Spool(10, 13))
    assert spools.full() == ("log",)
