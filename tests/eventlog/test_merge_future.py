"""Whole runs of a merge over logs of nodes whose clocks were in the future."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from ixproxy.eventlog.log_source import LogSource
from ixproxy.eventlog.merge_run import MAD
from tests.eventlog.logs import Log, interaction, log_at, login, logout, ready, rows_of
from tests.eventlog.merges import Killed, Merging

NOW = 10_000.0
MADNESS = 4e9
"""What a clock shows that went mad."""


@pytest.fixture
def merging(tmp_path: Path) -> Merging:
    return Merging(f"sqlite:{tmp_path / 'merged.db'}")


@pytest.fixture
def logs(tmp_path: Path) -> list[Log]:
    return [log_at(tmp_path, name) for name in ("one", "two")]


def names(merging: Merging) -> Sequence[object]:
    return [row[2] for row in merging.events]


def late(merging: Merging) -> Sequence[object]:
    return rows_of(merging.target, "SELECT interaction_id FROM rpt_interaction WHERE is_late = 1")


def test_a_node_that_was_in_the_future_once_makes_nobody_late(
    logs: list[Log], merging: Merging
) -> None:
    one, two = logs
    addresses = [each.address for each in logs]
    one.write(1, [interaction(100, "a"), interaction(9_000, "b")], until=9_990)
    two.write(2, [interaction(200, "x"), interaction(MADNESS, "mad")], until=MADNESS)
    summary = merging(*addresses, now=NOW)
    assert names(merging) == ["a", "x", "mad", "b"]
    assert summary.behind == {}
    assert summary.until == 9_989
    assert {name.dbid: seconds for name, seconds in summary.ahead.items()} == {2: MADNESS - NOW}
    assert summary.counted["in the future"] == 1
    # Its clock is right again; what it says of its log is not, until it begins anew.
    one.write(1, [interaction(10_010, "c"), interaction(10_030, "d")], until=10_090)
    two.write(2, [interaction(10_020, "y")], until=MADNESS)
    summary = merging(*addresses, now=NOW + 100)
    assert names(merging) == ["a", "x", "mad", "b", "c", "y", "d"]
    assert summary.counted["late events"] == 0
    assert late(merging) == []


def test_what_is_in_the_future_has_the_time_of_the_event_before_it(
    logs: list[Log], merging: Merging
) -> None:
    one, two = logs
    one.write(1, [interaction(100, "a"), interaction(MADNESS, "b"), interaction(MADNESS + 7, "c")])
    one.write(1, [interaction(150, "d")])
    two.write(2, [interaction(103, "x")])
    summary = merging(one.address, two.address, now=NOW, final=True)
    times = rows_of(
        merging.target,
        "SELECT interaction_id, merged_time, event_time FROM rpt_interaction "
        "ORDER BY merged_number",
    )
    assert times == [
        ("a", 100, 100),
        ("b", 100, MADNESS),
        ("x", 103, 103),
        ("c", 107, MADNESS + 7),
        ("d", 150, 150),
    ]
    assert summary.until == 150


def test_a_stream_that_begins_in_the_future_begins_where_its_next_event_is(
    logs: list[Log], merging: Merging
) -> None:
    one, two = logs
    one.write(1, [interaction(MADNESS, "b"), interaction(150, "d")])
    two.write(2, [interaction(103, "x"), interaction(200, "y")])
    merging(one.address, two.address, now=NOW, final=True)
    assert names(merging) == ["x", "b", "d", "y"]


def test_a_node_that_is_in_the_future_from_the_first_on_is_merged_in_the_end(
    logs: list[Log], merging: Merging
) -> None:
    one, two = logs
    one.write(1, [interaction(MADNESS, "b"), interaction(MADNESS + 1, "c")])
    two.write(2, [interaction(103, "x"), interaction(200, "y")], until=NOW)
    merging(one.address, two.address, now=NOW)
    assert names(merging) == ["x", "y"]
    summary = merging(one.address, two.address, now=NOW + 60, final=True)
    assert names(merging) == ["x", "y", "b", "c"]
    assert summary.until == NOW + 60


def test_a_little_in_the_future_is_waited_for(logs: list[Log], merging: Merging) -> None:
    one, two = logs
    one.write(1, [interaction(100, "a"), interaction(NOW + 600, "b")])
    two.write(2, [interaction(200, "x")], until=NOW)
    merging(one.address, two.address, now=NOW)
    assert names(merging) == ["a", "x"]
    two.write(2, [interaction(NOW + 500, "y")], until=NOW + 700)
    summary = merging(one.address, two.address, now=NOW + 700, final=True)
    assert names(merging) == ["a", "x", "y", "b"]
    assert summary.counted["in the future"] == summary.counted["late events"] == 0
    assert late(merging) == []


def test_a_merge_that_went_to_the_future_comes_back(logs: list[Log], merging: Merging) -> None:
    one, two = logs
    one.write(1, [interaction(100, "a"), login(200), login(200, 2, "bob")])
    two.write(2, [interaction(MADNESS, "mad")])
    # As if there was no clock.
    merging(one.address, two.address, final=True)
    one.write(1, [interaction(10_010, "c"), logout(10_020)], until=10_090)
    two.write(2, [interaction(10_030, "y")], until=10_090)
    summary = merging(one.address, two.address, now=NOW + 100)
    assert names(merging) == ["a", "anna", "bob", "mad", "c", "anna", "y"]
    assert summary.counted["late events"] == 0
    assert summary.until == 10_089


def test_a_clock_that_went_mad_teaches_nothing_of_others(logs: list[Log], merging: Merging) -> None:
    one, two = logs
    one.write(1, [login(100), interaction(110, "a"), ready(MADNESS), logout(300)])
    two.write(2, [login(101), ready(202), interaction(210, "x"), logout(301)])
    summary = merging(one.address, two.address, now=NOW, final=True)
    assert summary.offsets == {1: 0.0, 2: 1.0}


def test_a_wrong_time_zone_is_taken_out_also_if_the_first_node_has_it(
    logs: list[Log], merging: Merging
) -> None:
    one, two = logs
    zone = 7200.0
    assert zone < MAD
    one.write(1, [login(9_000 + zone), interaction(9_990 + zone, "a")])
    two.write(2, [login(9_000), interaction(9_991, "x"), interaction(9_998, "y")])
    summary = merging(one.address, two.address, now=NOW, final=True)
    assert summary.offsets == {1: zone, 2: 0.0}
    assert summary.counted["in the future"] == 0
    assert rows_of(
        merging.target, "SELECT interaction_id, merged_time FROM rpt_interaction ORDER BY 2"
    ) == [("a", 9_990), ("x", 9_991), ("y", 9_998)]


def test_a_run_that_is_killed_in_the_future_is_gone_on_with(
    logs: list[Log], tmp_path: Path
) -> None:
    one, two = logs
    rows = [interaction(time, f"{time:.0f}") for time in (100, MADNESS, MADNESS + 5, MADNESS + 9)]
    one.write(1, [*rows, interaction(120, "b")])
    two.write(2, [interaction(103, "x"), interaction(108, "y")])
    whole, parts = (Merging(f"sqlite:{tmp_path / name}.db") for name in ("whole", "parts"))
    whole(one.address, two.address, now=NOW, final=True)
    for _ in range(3):
        with pytest.raises(Killed):
            parts(one.address, two.address, now=NOW, final=True, part=1, killed_after=2)
    parts(one.address, two.address, now=NOW, final=True)
    assert parts.tables() == whole.tables()


def test_the_first_event_that_is_not_in_the_future_is_found(logs: list[Log]) -> None:
    log = logs[0]
    log.write(1, [interaction(MADNESS, "a"), login(60), interaction(50, "b")])
    database = log.open()
    source = LogSource(database)
    assert source.first_time(1, (1, 0), (1, 3), 100.0) == 60
    assert source.first_time(1, (1, 2), (1, 3), 100.0) == 50
    assert source.first_time(1, (1, 0), (1, 1), 100.0) is None
    assert source.first_time(2, (1, 0), (1, 3), 100.0) is None
    source.close()
