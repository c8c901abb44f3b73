from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ixproxy.errors import StorageError
from ixproxy.eventlog.log_databases import open_database
from ixproxy.eventlog.log_tables import declared
from ixproxy.testing.log_oracle import merged
from ixproxy.testing.log_rows import LoggedForm, Row, rows_at
from tests.eventlog.logs import custom, esp, interaction, log_at, login, logout

ID, OTHER = "00002T0001000001", "00002U0001000001"


def row(table: str, event: str, **values: Any) -> Row:
    """A row of a log, in which all else is NULL."""
    columns: Row = dict.fromkeys(declared(table))
    return {"table": table, **columns, "event": event, "tenant_id": 1, **values}


def normal(*rows: Row) -> list[dict[str, Any]]:
    return LoggedForm({ID: "<L1>", OTHER: "<L2>"}).of(rows)


def test_rows_are_in_the_order_in_which_they_happened(tmp_path: Path) -> None:
    log = log_at(tmp_path)
    log.write(1, [login(1.0), interaction(2.0, "a"), esp(3.0, "a"), custom(4.0), logout(5.0)])
    names = [(each["table"], each["event_number"]) for each in rows_at(log.address)]
    assert names == [
        ("rpt_agent", 1),
        ("rpt_interaction", 2),
        ("rpt_esp", 3),
        ("rpt_custom", 4),
        ("rpt_agent", 5),
    ]
    target = f"sqlite:{tmp_path}/merged.db"
    log.write(2, [login(1.1), interaction(1.9, "b"), logout(5.1)])
    merged([log.address], target)
    assert [each["merged_number"] for each in rows_at(target)] == [1, 2, 3, 4, 5, 6]
    assert [each["dbid"] for each in rows_at(target)] == [1, 2, 1, 1, 1, 1]


def test_what_is_no_log_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="there is no such file"):
        rows_at(f"sqlite:{tmp_path}/none.db")
    database = open_database(f"sqlite:{tmp_path}/empty.db", create=True)
    database.close()
    with pytest.raises(StorageError, match="no event log"):
        rows_at(f"sqlite:{tmp_path}/empty.db")


def test_names_and_times_are_dropped_and_ids_become_labels() -> None:
    [event] = normal(
        row(
            "rpt_interaction",
            "EventPropertiesChanged",
            dbid=101,
            epoch=2,
            event_number=7,
            event_time=1.5,
            received_at=1.0,
            interaction_id=ID,
            parent_id=OTHER,
            reason_system_name="step",
            reason=4,
            changed_properties=f'{{"added":{{"of":"{OTHER}","at":[1,2]}}}}',
            merged_number=5,
        )
    )
    for dropped in ("dbid", "epoch", "event_number", "event_time", "merged_number"):
        assert dropped not in event
    assert (event[""], event["InteractionId"], event["parent_id"]) == (
        "EventPropertiesChanged",
        "<L1>",
        "<L2>",
    )
    assert (event["received_at"], event["submitted_at"]) == (True, False)
    assert event["changed_properties"] == {"added": {"of": "<L2>", "at": [1, 2]}}
    assert event["Reason"] == {"n": "step", "d": None, "r": 4}


def test_sessions_are_named_by_their_first_appearance_of_each_agent() -> None:
    def of_agent(event: str, agent: str, number: int | None) -> Row:
        return row(
            "rpt_agent",
            event,
            agent_id=agent,
            agent_session_number=number,
            agent_session_dbid=number and 101,
        )

    party = row(
        "rpt_interaction",
        "EventPartyAdded",
        party_agent="bert",
        agent_session_number=9,
        agent_session_dbid=101,
    )
    events = normal(
        party,
        of_agent("EventAgentLogin", "anna", 7),
        of_agent("EventAgentLogin", "bert", 8),
        of_agent("EventAgentLogin", "bert", 9),
        of_agent("EventAgentAvailable", "bert", None),
    )
    assert [each["agent_session_number"] for each in events] == [
        "session 2 of bert",
        "session 1 of anna",
        "session 1 of bert",
        "session 2 of bert",
        None,
    ]
    assert (events[0]["AgentId"], events[1]["AgentId"]) == ("bert", "anna")


def test_calls_are_named_by_their_first_appearance_of_each_caller() -> None:
    def call(name: str, number: int, server: str | None) -> Row:
        return row(
            "rpt_esp",
            name,
            interaction_id=ID,
            esp_client_refid=number,
            esp_request_id=f"{number}-of-a-node",
            esp_server=server,
        )

    events = normal(
        call("EventExternalServiceRequested", 4, None),
        call("EventExternalServiceRequested", 5, "archive"),
        call("EventExternalServiceResponded", 4, "classifier-2"),
    )
    assert [each["esp_request_id"] for each in events] == ["call 1", "call 1", "call 1"]
    assert [each["esp_server"] for each in events] == [False, True, True]


def test_what_clients_say_in_the_table_of_agents_without_one_is_known_by_its_step() -> None:
    said = {"reason_system_name": "step", "reason": 9, "custom_event": '{"n":1}'}
    [of_nobody, of_anna] = normal(
        row("rpt_agent", "EventCustomReporting", **said),
        row("rpt_agent", "EventCustomReporting", agent_id="anna", **said),
    )
    assert of_nobody["InteractionId"] == "what step 9 is about"
    assert of_anna["InteractionId"] is None
    assert of_anna["custom_event"] == {"n": 1}
