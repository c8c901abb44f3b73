"""The database that a clean history is written to."""

from __future__ import annotations

from pathlib import Path

import pytest

from ixproxy.errors import StorageError
from ixproxy.eventlog.log_databases import open_database
from ixproxy.eventlog.log_tables import MERGED, TABLES, declared
from ixproxy.eventlog.merge_target import MergeTarget, Reached, merged_nodes
from ixproxy.eventlog.merging.agent_records import Channel, Session
from ixproxy.eventlog.merging.horizon import Stream
from ixproxy.eventlog.schemas import APPLICATION_ID, VERSION
from tests.eventlog.logs import log_at, rows_of
from tests.eventlog.merging.agent_worlds import event

STREAM = Stream("sqlite:/a.db", 1)
REACHED = Reached("ixn1", 2, 30, 10.5, {"rpt_esp": (2, 30, 10.0, "EventExternalService")})


@pytest.fixture
def address(tmp_path: Path) -> str:
    return f"sqlite:{tmp_path / 'merged.db'}"


def opened(address: str) -> MergeTarget:
    return MergeTarget(open_database(address, create=True))


def agent_row(number: int, time: float, event: str, session: int | None = 1) -> list[object]:
    given = {
        "dbid": 1,
        "epoch": 1,
        "event_number": number,
        "event_time": time,
        "event": event,
        "tenant_id": 1,
        "agent_id": "anna",
        "agent_session_number": session,
        "agent_session_dbid": 1,
        "media_type": "chat",
    }
    return [given.get(name) for name in declared("rpt_agent")]


def test_all_that_is_saved_is_there_the_next_time(address: str) -> None:
    target = opened(address)
    session = Session("1.1", True, 1, "anna", "p1", 10.0, channels={"d": Channel("0", "1")})
    target.begin()
    target.put_streams({STREAM: REACHED})
    target.put_sessions(["1.1", "gone"], {"1.1": session})
    target.put_samples({(1, 2): [0.5, 0.25]})
    target.count("events", 3)
    target.kept.now = 10.5
    target.save()
    target.close()
    again = opened(address)
    assert again.streams() == {STREAM: REACHED}
    assert again.sessions() == [session]
    assert again.samples() == {(1, 2): [0.5, 0.25]}
    assert (again.kept.now, again.kept.counted, again.kept.turn) == (10.5, {"events": 3}, 1)
    again.begin()
    again.put_sessions(["1.1"], {})
    again.forget_stream(STREAM)
    again.save()
    assert (again.sessions(), again.streams()) == ([], {})
    again.close()


def test_what_is_not_saved_is_not_there(address: str) -> None:
    target = opened(address)
    target.begin()
    target.append(1, agent_row(1, 10.0, "EventAgentLogin"), 9.0, False)
    target.flush()
    target.put_streams({STREAM: REACHED})
    target.close()
    assert rows_of(address, "SELECT * FROM rpt_agent") == []
    assert rows_of(address, "SELECT * FROM merge_stream") == []


def test_rows_have_their_number_time_and_lateness(address: str) -> None:
    target = opened(address)
    target.begin()
    target.append(1, agent_row(1, 10.0, "EventAgentLogin"), 9.0, False)
    target.append(1, agent_row(2, 11.0, "EventAgentLogout"), 9.5, True)
    target.append(1, agent_row(2, 11.0, "EventAgentLogout"), 9.5, True)
    target.save()
    target.close()
    assert rows_of(
        address,
        "SELECT event_number, event_time, merged_number, merged_time, is_late FROM rpt_agent",
    ) == [(1, 10.0, 1, 9.0, 0), (2, 11.0, 2, 9.5, 1)]
    assert target.kept.counted == {"rows": 3, "doubled": 1}


def test_acts_of_agents_are_found_in_the_history(address: str) -> None:
    target = opened(address)
    target.begin()
    target.append(1, agent_row(1, 10.0, "EventAgentLogin"), 10.0, False)
    target.append(1, agent_row(2, 20.0, "EventReadyForMedia"), 20.0, False)
    login = event(2, 9000.0, "AgentLogin")
    assert target.told(login)
    assert not target.told(login._replace(session_number=2))
    ready = event(2, 30.0, "ReadyForMedia", media_type="chat")
    assert target.told(ready)
    assert not target.told(ready._replace(dbid=1))
    assert not target.told(ready._replace(time=330.0))
    assert not target.told(ready._replace(media_type="email"))
    assert not target.told(ready._replace(reason_name="Break"))
    assert not target.ended(1, 1)
    target.append(1, agent_row(3, 40.0, "EventAgentLogout"), 40.0, False)
    target.flush()
    assert target.ended(1, 1)
    target.close()


def test_a_target_is_made_as_logs_are_with_columns_and_tables_more(address: str) -> None:
    opened(address).close()
    assert rows_of(address, "PRAGMA application_id") == [(APPLICATION_ID,)]
    assert rows_of(address, "SELECT version, kind FROM log_schema") == [(VERSION, "merged")]
    database = open_database(address)
    for table in TABLES:
        assert list(database.columns(table)) == [*declared(table), *MERGED]
    database.close()


def test_two_who_merge_into_one_database_are_found_out(address: str) -> None:
    one, two = opened(address), opened(address)
    one.begin()
    one.save()
    with pytest.raises(StorageError, match="somebody else merges into it"):
        two.begin()
    one.close()
    two.close()


def test_columns_are_added_once(address: str) -> None:
    target = opened(address)
    for _ in range(2):
        target.add_columns({"rpt_esp": {"c_size": "INTEGER", "merged_time": "REAL", 'x"y': "TEXT"}})
    assert target.columns["rpt_esp"] == [*declared("rpt_esp"), "c_size"]
    target.close()


def test_the_log_of_nodes_is_no_target(tmp_path: Path) -> None:
    log = log_at(tmp_path)
    with pytest.raises(
        StorageError, match="of the kind 'log': nodes have written it; expected the kind 'merged'"
    ):
        opened(log.address)
    log.run("DROP TABLE log_schema")
    with pytest.raises(StorageError, match="an SQLite database, but not an event log"):
        opened(log.address)


def test_a_target_of_another_version_is_refused(address: str) -> None:
    opened(address).close()
    database = open_database(address, create=True)
    database.run("UPDATE log_schema SET version = 2")
    database.close()
    with pytest.raises(StorageError, match="has version 2"):
        opened(address)


def test_a_target_that_cannot_be_made_whole_is_not_made(address: str) -> None:
    database = open_database(address, create=True)
    database.rows("PRAGMA max_page_count = 8")
    with pytest.raises(StorageError, match="the disk is full"):
        MergeTarget(database)
    database.close()
    assert rows_of(address, "SELECT * FROM sqlite_master") == []


def test_which_nodes_a_target_knows_can_be_read_without_changing_it(
    address: str, tmp_path: Path
) -> None:
    target = opened(address)
    target.begin()
    target.put_streams({STREAM: REACHED, Stream("sqlite:/b.db", 1): REACHED})
    target.save()
    target.close()
    database = open_database(address)
    assert merged_nodes(database) == {1}
    database.close()
    (tmp_path / "new.db").touch()
    database = open_database(f"sqlite:{tmp_path / 'new.db'}")
    assert merged_nodes(database) == set()
    database.close()
