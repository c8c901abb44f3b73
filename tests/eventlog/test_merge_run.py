"""Whole runs of a merge, over logs in files."""

from __future__ import annotations

from pathlib import Path

import pytest

from ixproxy.errors import StorageError
from ixproxy.eventlog.log_databases import open_database
from ixproxy.eventlog.log_source import LogSource
from ixproxy.eventlog.merge_run import MergeOptions, MergeRun, Summary
from ixproxy.eventlog.merge_target import MergeTarget
from tests.eventlog.logs import (
    custom,
    esp,
    history,
    interaction,
    log_at,
    login,
    logout,
    not_ready,
    ready,
    rows_of,
)


class Merging:
    """Merges into one target, again and again."""

    def __init__(self, folder: Path) -> None:
        self.target = f"sqlite:{folder / 'merged.db'}"

    def __call__(self, *addresses: str, **options: object) -> Summary:
        sources = [LogSource(open_database(each)) for each in addresses]
        target = MergeTarget(open_database(self.target, create=True))
        try:
            return MergeRun(sources, target, MergeOptions(**options)).run()  # type: ignore[arg-type]
        finally:
            for each in sources:
                each.close()

    @property
    def events(self) -> list[tuple[object, ...]]:
        return history(self.target)


@pytest.fixture
def merging(tmp_path: Path) -> Merging:
    return Merging(tmp_path)


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
        (3, "EventAgentLogout"),
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
