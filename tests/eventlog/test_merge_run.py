"""Whole runs of a merge, over logs in files."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ixproxy.errors import StorageError
from ixproxy.eventlog.log_source import LogSource, Written
from tests.eventlog.logs import (
    AGENT,
    Log,
    Values,
    custom,
    esp,
    interaction,
    log_at,
    login,
    logout,
    not_ready,
    ready,
    rows_of,
)
from tests.eventlog.merges import Killed, Merging
from tests.eventlog.merging.agent_worlds import logged, row_values, true_histories


@pytest.fixture
def merging(tmp_path: Path) -> Merging:
    return Merging(f"sqlite:{tmp_path / 'merged.db'}")


def test_events_of_several_nodes_are_in_the_order_in_which_they_happened(
    tmp_path: Path, merging: Merging
) -> None:
    one, two = log_at(tmp_path, "one"), log_at(tmp_path, "two")
    one.write(1, [interaction(10, "a"), esp(12, "a"), interaction(14, "a")])
    two.write(2, [interaction(11, "b"), custom(13, "c"), interaction(15, "b")])
    merging(one.address, two.address, final=True)
    assert [row[2] for row in merging.events] == ["a", "b", "a", "c", "a", "b"]


def test_one_database_of_all_nodes_is_as_good_as_one_of_each(
    tmp_path: Path, merging: Merging
) -> None:
    shared = log_at(tmp_path)
    shared.write(1, [interaction(10, "a"), interaction(12, "a")])
    shared.write(2, [interaction(11, "b")])
    merging(shared.address, final=True)
    assert [row[2] for row in merging.events] == ["a", "b", "a"]


def test_what_every_node_says_of_an_agent_is_there_once(tmp_path: Path, merging: Merging) -> None:
    logs = [log_at(tmp_path, f"log{dbid}") for dbid in (1, 2, 3)]
    for dbid, log in enumerate(logs, 1):
        late = dbid / 100
        log.write(
            dbid,
            [login(10 + late), ready(11 + late), not_ready(12 + late), logout(13 + late)],
        )
    summary = merging(*(log.address for log in logs), final=True)
    assert [row[:2] for row in merging.events] == [
        (1, "EventAgentLogin"),
        (1, "EventReadyForMedia"),
        (1, "EventNotReadyForMedia"),
        (1, "EventAgentLogout"),
    ]
    assert summary.counted["events"] == 12
    assert summary.counted["copies"] == 8


def test_clocks_that_are_wrong_are_put_right(tmp_path: Path, merging: Merging) -> None:
    one, two = log_at(tmp_path, "one"), log_at(tmp_path, "two")
    one.write(1, [login(10), interaction(11, "a"), interaction(13, "a"), logout(15)])
    two.write(2, [login(50), interaction(52, "b"), interaction(54, "b"), logout(55)])
    summary = merging(one.address, two.address, final=True)
    assert [row[2] for row in merging.events] == ["anna", "a", "b", "a", "b", "anna"]
    assert summary.offsets == {1: 0.0, 2: 40.0}
    times = rows_of(merging.target, "SELECT merged_time FROM rpt_interaction ORDER BY 1")
    assert times == [(11,), (12,), (13,), (14,)]


def test_a_log_that_goes_back_is_refused(tmp_path: Path, merging: Merging) -> None:
    log = log_at(tmp_path)
    log.write(1, [interaction(10, "a"), interaction(20, "a")])
    merging(log.address, final=True)
    log.run("UPDATE rpt_source SET logged_number = 1")
    with pytest.raises(StorageError, match="node 1: the log goes back: its last event is 1 of"):
        merging(log.address)


def test_a_stream_is_merged_as_far_as_all_others_are_complete(
    tmp_path: Path, merging: Merging
) -> None:
    one, two = log_at(tmp_path, "one"), log_at(tmp_path, "two")
    one.write(1, [interaction(10, "a"), interaction(20, "b"), interaction(30, "c")])
    two.write(2, [interaction(15, "x")])
    merging(one.address, two.address)
    assert [row[2] for row in merging.events] == ["a"]
    two.write(2, [], until=25)
    merging(one.address, two.address)
    assert [row[2] for row in merging.events] == ["a", "x", "b"]
    two.write(2, [interaction(26, "y")], until=50)
    summary = merging(one.address, two.address)
    assert [row[2] for row in merging.events] == ["a", "x", "b", "y"]
    assert summary.until == 29


def test_a_node_that_is_silent_for_long_is_not_waited_for_and_what_comes_of_it_is_late(
    tmp_path: Path, merging: Merging
) -> None:
    one, two = log_at(tmp_path, "one"), log_at(tmp_path, "two")
    one.write(1, [interaction(10, "a"), interaction(1000, "b")], until=1000)
    two.write(2, [interaction(15, "x")])
    summary = merging(one.address, two.address)
    assert {name.dbid: seconds for name, seconds in summary.behind.items()} == {2: 985}
    assert [row[2] for row in merging.events] == ["a", "x"]
    two.write(2, [interaction(500, "y"), interaction(2000, "z")])
    one.write(1, [interaction(2001, "c")])
    summary = merging(one.address, two.address, final=True)
    assert [row[2] for row in merging.events] == ["a", "x", "y", "b", "z", "c"]
    assert summary.counted["late events"] == 1
    assert rows_of(
        merging.target, "SELECT interaction_id FROM rpt_interaction WHERE is_late = 1"
    ) == [("y",)]


def test_an_agent_of_whom_a_late_node_tells_again_is_there_once(
    tmp_path: Path, merging: Merging
) -> None:
    one, two = log_at(tmp_path, "one"), log_at(tmp_path, "two")
    acts = [login(10, chat=0), ready(20), not_ready(30), ready(40), logout(50)]
    one.write(1, [*acts, interaction(5000, "a")])
    two.write(2, [interaction(5, "b")])
    merging(one.address, two.address, final=True)
    once = merging.events
    two.write(2, [*acts, interaction(5001, "c")])
    summary = merging(one.address, two.address, final=True)
    assert [row for row in merging.events if row[2] == "anna"] == [
        row for row in once if row[2] == "anna"
    ]
    assert summary.counted["late events"] == 5
    assert summary.counted["copies"] == 5


def test_late_changes_that_only_one_node_knows_are_told(tmp_path: Path, merging: Merging) -> None:
    one, two = log_at(tmp_path, "one"), log_at(tmp_path, "two")
    one.write(1, [interaction(5000, "a")])
    two.write(2, [interaction(5, "b")])
    merging(one.address, two.address, final=True)
    two.write(2, [login(10, chat=0), ready(20), not_ready(30), ready(40), logout(50)])
    merging(one.address, two.address, final=True)
    late = rows_of(merging.target, "SELECT event, is_late FROM rpt_agent ORDER BY merged_number")
    assert late == [
        ("EventAgentLogin", 1),
        ("EventReadyForMedia", 1),
        ("EventNotReadyForMedia", 1),
        ("EventReadyForMedia", 1),
        ("EventAgentLogout", 1),
    ]


def test_what_was_dropped_is_carried_over_and_brought_up_to_date(
    tmp_path: Path, merging: Merging
) -> None:
    log = log_at(tmp_path)
    log.write(1, [interaction(10, "a")])
    log.run("INSERT INTO rpt_dropped VALUES (1, 1, 2, 5, 11, 12, 'EventHeld', 3)")
    merging(log.address, final=True)
    log.run("UPDATE rpt_dropped SET last_number = 9, dropped = 7")
    merging(log.address, final=True)
    assert rows_of(
        merging.target, "SELECT first_number, last_number, dropped FROM rpt_dropped"
    ) == [(2, 9, 7)]


def test_the_target_says_how_far_each_node_is_merged(tmp_path: Path, merging: Merging) -> None:
    one, two = log_at(tmp_path, "one"), log_at(tmp_path, "two")
    one.write(1, [interaction(10, "a"), interaction(20, "b")])
    two.write(2, [interaction(15, "x")], until=18)
    merging(one.address, two.address)
    assert rows_of(merging.target, "SELECT * FROM rpt_source ORDER BY dbid") == [
        (1, "ixn1", 1, 1, 17.0),
        (2, "ixn2", 1, 1, 17.0),
    ]


def test_custom_fields_of_any_source_are_columns_of_the_target(
    tmp_path: Path, merging: Merging
) -> None:
    one, two = log_at(tmp_path, "one"), log_at(tmp_path, "two")
    one.write(1, [interaction(10, "a")])
    two.run("ALTER TABLE rpt_interaction ADD COLUMN c_amount REAL")
    two.write(2, [interaction(11, "b", c_amount=2.5)])
    merging(one.address, final=True)
    merging(one.address, two.address, final=True)
    rows = rows_of(
        merging.target, "SELECT interaction_id, c_amount FROM rpt_interaction ORDER BY 1"
    )
    assert rows == [("a", None), ("b", 2.5)]


def test_logs_of_others_may_lack_columns_and_say_nothing_of_themselves(
    tmp_path: Path, merging: Merging
) -> None:
    log = log_at(tmp_path)
    log.write(1, [interaction(10, "a"), login(13.5, None), logout(14, None)])
    for table in ("rpt_source", "rpt_dropped", "rpt_esp", "log_schema"):
        log.run(f"DROP TABLE {table}")
    for column in ("agent_session_number", "agent_session_dbid", "media_reasons"):
        log.run(f"ALTER TABLE rpt_agent DROP COLUMN {column}")
    merging(log.address)
    assert [row[2] for row in merging.events] == ["a"]
    merging(log.address, final=True)
    assert [row[2] for row in merging.events] == ["a", "anna", "anna"]


def test_a_log_that_has_moved_is_gone_on_with(tmp_path: Path, merging: Merging) -> None:
    log = log_at(tmp_path, "old")
    log.write(1, [login(1), logout(2), interaction(10, "a")])
    merging(log.address, final=True)
    (tmp_path / "old.db").rename(tmp_path / "new.db")
    log.address = f"sqlite:{tmp_path / 'new.db'}"
    log.write(1, [interaction(20, "b")])
    summary = merging(log.address, final=True)
    assert summary.counted["events"] == 1
    assert [row[2] for row in merging.events] == ["anna", "anna", "a", "b"]


def test_what_a_node_writes_while_it_is_read_is_merged_the_next_time(
    tmp_path: Path, merging: Merging, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = log_at(tmp_path)
    log.write(1, [interaction(10, "a"), esp(11, "a")])
    streams = LogSource.streams

    def write_on(source: LogSource) -> dict[int, Written]:
        found = streams(source)
        log.write(1, [interaction(12, "b"), esp(13, "b")])
        return found

    with monkeypatch.context() as patch:
        patch.setattr(LogSource, "streams", write_on)
        merging(log.address, final=True)
    assert [row[2] for row in merging.events] == ["a", "a"]
    merging(log.address, final=True)
    assert [row[2] for row in merging.events] == ["a", "a", "b", "b"]


def test_events_that_two_databases_have_are_there_once(tmp_path: Path, merging: Merging) -> None:
    one, two = log_at(tmp_path, "one"), log_at(tmp_path, "two")
    rows = [login(1, chat=0), ready(2), not_ready(3), ready(4), logout(5), interaction(10, "a")]
    one.write(1, rows)
    two.write(1, [*rows, interaction(20, "b")])
    summary = merging(one.address, two.address, final=True)
    assert [row[1] for row in merging.events] == [
        "EventAgentLogin",
        "EventReadyForMedia",
        "EventNotReadyForMedia",
        "EventReadyForMedia",
        "EventAgentLogout",
        "EventPlacedInQueue",
        "EventPlacedInQueue",
    ]
    assert summary.counted["doubled"] == 1


def test_a_database_that_was_replaced_is_refused(tmp_path: Path, merging: Merging) -> None:
    log = log_at(tmp_path)
    log.write(1, [interaction(10, "a"), interaction(20, "a")])
    merging(log.address, final=True)
    (tmp_path / "log.db").unlink()
    other = log_at(tmp_path)
    other.write(1, [interaction(time, "z") for time in (100, 200, 300)])
    with pytest.raises(StorageError, match="event 2 of epoch 1 is not the one that was merged"):
        merging(other.address, final=True)
    other.run("UPDATE rpt_source SET node = 'ixn7'")
    with pytest.raises(StorageError, match="this is the log of ixn7, and that of ixn1 was merged"):
        merging(other.address, final=True)
    assert len(merging.events) == 2


def test_a_source_is_given_once_and_is_not_the_target(tmp_path: Path, merging: Merging) -> None:
    log = log_at(tmp_path)
    (tmp_path / "link.db").symlink_to(tmp_path / "log.db")
    with pytest.raises(StorageError, match="given twice"):
        merging(log.address, f"sqlite:{tmp_path / 'link.db'}")
    merging(log.address)
    with pytest.raises(StorageError, match="of the kind 'merged'"):
        merging(merging.target)
    merging.target = log.address
    with pytest.raises(StorageError, match="of the kind 'log': nodes have written it"):
        merging(log.address)


def worlds(folder: Path, data: st.DataObject) -> tuple[list[Log], list[list[tuple[str, Values]]]]:
    """Logs of three nodes, empty, and what they will hold: agents and interactions."""
    acts = data.draw(true_histories(12))
    # Eighths of a second: offsets are whole milliseconds, and none for what is next to nothing.
    eighths = data.draw(st.integers(-72, 72))
    skews = [0.0, data.draw(st.sampled_from([0.0, 3.0, -25.0])), eighths / 8]
    content = []
    for dbid, skew in enumerate(skews, 1):
        rows: list[tuple[str, Values]] = [
            (AGENT, {**row_values(row), "event_time": row[3] + skew})
            for row in logged(dbid, acts, (), [0.0])
        ]
        for number, act in enumerate(acts):
            rows.append(interaction(act.time + 0.1 * dbid + skew, f"{dbid}-{number}"))
        content.append(sorted(rows, key=lambda each: each[1]["event_time"]))
    return [log_at(folder, f"log{dbid}") for dbid in (1, 2, 3)], content


@settings(max_examples=15)
@given(data=st.data())
def test_a_run_that_is_killed_at_any_point_is_gone_on_with_as_if_nothing_was(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("killed")
    logs, content = worlds(folder, data)
    for dbid, (log, rows) in enumerate(zip(logs, content, strict=True), 1):
        log.write(dbid, rows)
    addresses = [log.address for log in logs]
    whole, parts = (Merging(f"sqlite:{folder / name}.db") for name in ("whole", "parts"))
    whole(*addresses, final=True)
    for _ in range(len(content[0]) * 3 // 4 + 2):
        with contextlib.suppress(Killed):
            parts(*reversed(addresses), final=True, part=4, killed_after=1)
    parts(*addresses, final=True)
    assert parts.tables() == whole.tables()


@settings(max_examples=15)
@given(data=st.data())
def test_many_runs_over_logs_that_grow_are_as_good_as_one(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("growing")
    logs, content = worlds(folder, data)
    addresses = [log.address for log in logs]
    whole, parts = (Merging(f"sqlite:{folder / name}.db") for name in ("whole", "parts"))
    # All have logged the first act, so that from the first run on clocks are known.
    steps = sorted(data.draw(st.lists(st.integers(2, len(content[0])), max_size=3)))
    begin = 0
    for end in [*steps, len(content[0])]:
        for dbid, (log, rows) in enumerate(zip(logs, content, strict=True), 1):
            log.write(dbid, rows[begin:end])
        begin = max(begin, end)
        parts(*addresses, wait=1e6)
    parts(*addresses, final=True)
    whole(*addresses, final=True)
    assert parts.tables() == whole.tables()
    assert whole.events == expected(content)


def expected(content: list[list[tuple[str, Values]]]) -> list[tuple[object, ...]]:
    """The history as node 1 knows it, with the interactions of all nodes in their places."""
    first = [each for each in content[0] if each[0] == AGENT]
    other = [content[0][0][1]["event_time"] - rows[0][1]["event_time"] for rows in content]
    interactions = [
        (values["event_time"] + other[node], node + 1, values["event"], values["interaction_id"])
        for node, rows in enumerate(content)
        for table, values in rows
        if table != AGENT
    ]
    agents = [(values["event_time"], *named(values)) for _, values in first]
    return [each[1:] for each in sorted([*agents, *interactions], key=lambda each: each[0])]


def named(values: Values) -> tuple[int, str, str]:
    # It is the first to tell, and the home of all sessions.
    return 1, values["event"], values["agent_id"]


def test_a_logout_that_was_held_fits_a_table_that_has_more_columns_now(
    tmp_path: Path, merging: Merging
) -> None:
    one, two, three = (log_at(tmp_path, f"log{dbid}") for dbid in (1, 2, 3))
    one.write(1, [login(10), logout(50)], until=60)
    two.write(2, [login(10)], until=60)
    merging(one.address, two.address)
    three.run("ALTER TABLE rpt_agent ADD COLUMN more TEXT")
    three.write(3, [login(40, 2, "bob")], until=100)
    merging(one.address, two.address, three.address, final=True)
    assert [row[1] for row in merging.events].count("EventAgentLogout") == 1
