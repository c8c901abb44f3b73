"""Events become rows: each in its table, with what it has in its columns."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from ixproxy import messages as m
from ixproxy.eventlog.rows import PROPERTIES, RowMaker, column_names
from ixproxy.eventlog.schemas import AGENT, INTERACTION, tables
from ixproxy.eventlog.settings import TableSettings, read_settings
from ixproxy.messages.message import Actor, Event, Party, Reason, Workbin
from ixproxy.messages.reporting import InteractionEvent
from ixproxy.testing.eventlog_outside import NOW, entry, sample_event
from tests.eventlog.log_rig import FIELDS

PLAIN = TableSettings("x")
WHO = Actor(router_id="urs", strategy_id="Sales")
ABOUT: dict[str, Any] = {
    "event_time": NOW, "event_number": 5, "dbid": 101, "tenant_id": 1, "media_type": "email",
    "interaction_id": "i1", "interaction": {"InteractionState": 0},
}  # fmt: skip


def row(event: Event, settings: TableSettings = PLAIN) -> tuple[str, dict[str, Any]]:
    """The table, and what of its columns is not NULL, of one event."""
    rows = RowMaker(settings).rows([entry(5, what=event)])
    ((table, (values,)),) = [found for found in rows.events.items() if found[1]]
    named = zip(column_names(table, settings.fields), values, strict=True)
    return table, {name: value for name, value in named if value is not None}


def shown(event: Event, settings: TableSettings = PLAIN) -> dict[str, Any]:
    """The same without what all have."""
    always = {
        "dbid", "epoch", "event_number", "event_time", "event", "tenant_id", "media_type",
        "interaction_id", "interaction_state",
    }  # fmt: skip
    return {name: value for name, value in row(event, settings)[1].items() if name not in always}


@pytest.mark.parametrize("number", range(1, 17))
def test_a_row_has_a_value_for_each_column_of_its_table(number: int) -> None:
    for settings in (PLAIN, read_settings({"address": "x", **FIELDS})):
        table, found = row(sample_event(number), settings)
        needed = {each.name for each in tables()[table].columns if each.needed}
        assert needed <= found.keys()
        assert found["event"] == type(sample_event(number)).__name__
        assert found["event_time"] == NOW + number


def test_what_all_events_about_interactions_have() -> None:
    table, found = row(sample_event(8))
    assert table == INTERACTION
    assert found == {
        "dbid": 101, "epoch": 1, "event_number": 5, "event_time": NOW + 8,
        "event": "EventPlacedInQueue", "tenant_id": 1, "media_type": "email",
        "interaction_id": "ixn8", "interaction_type": "Inbound", "interaction_subtype": "New",
        "interaction_state": 3, "parent_id": "ixn0", "external_id": "x8", "submitted_by": "mail",
        "received_at": NOW, "submitted_at": NOW + 1.5, "moved_to_queue_at": NOW + 2,
        "queue": "Q2", "old_queue": "Q1", "actor_agent": "ann", "actor_place": "p1",
        "reason_system_name": "Why", "reason_description": "For this", "reason": 7,
    }  # fmt: skip


def test_it_looks_at_no_other_properties_than_it_says() -> None:
    asked: set[object] = set()

    class Noting(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            asked.add(key)
            return super().get(key, default)

    for settings in (PLAIN, read_settings({"address": "x", **FIELDS})):
        asked.clear()
        for number in range(1, 17):
            event = sample_event(number)
            if isinstance(event, InteractionEvent):
                interaction = Noting(event.interaction)
                row(msgspec.structs.replace(event, interaction=interaction), settings)
        assert asked - {"UserData"} == PROPERTIES
        assert settings.fields or "UserData" not in asked


def test_who_comes_to_an_interaction_and_goes() -> None:
    party = Party(party_type=2, agent_id="ann", place_id="p1", visibility_mode="Coach", name="A")
    event = m.EventPartyRemoved(
        **ABOUT, actor=WHO, party=party, operation="Transfer", agent_session=(3, 102)
    )
    assert shown(event) == {
        "actor_router": "urs", "actor_strategy": "Sales", "party_type": 2, "party_agent": "ann",
        "party_place": "p1", "party_name": "A", "visibility_mode": "Coach",
        "operation": "Transfer", "agent_session_number": 3, "agent_session_dbid": 102,
    }  # fmt: skip


def test_a_party_event_without_a_party_still_names_the_agent() -> None:
    assert shown(m.EventRevoked(**ABOUT, agent_id="ann")) == {"party_agent": "ann"}
    assert shown(m.EventRevoked(**ABOUT)) == {}


def test_who_takes_an_interaction_from_its_queue() -> None:
    party = Party(party_type=1, strategy_id="Sales")
    event = m.EventTakenFromQueue(**ABOUT, queue="Q1", party=party)
    assert shown(event) == {"queue": "Q1", "party_type": 1, "party_strategy": "Sales"}


def test_a_workbin_with_its_owner() -> None:
    for kind in (m.EventPlacedInWorkbin, m.EventTakenFromWorkbin):
        bin_of = Workbin(workbin_type_id="drafts", workbin_place_group_id="floor 2")
        event = kind(**ABOUT, queue="Q1", workbin=bin_of)
        assert shown(event) == {
            "queue": "Q1", "workbin_type": "drafts", "workbin_place_group": "floor 2",
        }  # fmt: skip
        assert shown(kind(**ABOUT)) == {}


def test_changed_properties_are_json_and_no_business_of_a_log_without_user_data() -> None:
    event = m.EventPropertiesChanged(
        **ABOUT, added_properties={"a": b"\xff"}, changed_properties={"b": {"c": [1]}}
    )
    changed = json.loads(shown(event)["changed_properties"])
    assert changed == {"added": {"a": "/w=="}, "changed": {"b": {"c": [1]}}, "deleted": {}}
    assert shown(event, PLAIN._replace(log_userdata=False)) == {}


@pytest.mark.parametrize(
    "kind",
    [
        m.EventInteractionSubmitted, m.EventProcessingStopped, m.EventHeld, m.EventResumed,
        m.EventAgentInvited, m.EventRejected, m.EventPartyAdded,
    ],
)  # fmt: skip
def test_other_events_about_interactions_go_to_their_table(kind: Any) -> None:
    assert row(kind(**ABOUT))[0] == INTERACTION


def test_a_login_says_how_the_agent_is() -> None:
    event = m.EventAgentLogin(
        event_time=NOW, tenant_id=1, agent_id="ann", place_id="p1", agent_session=(3, 102),
        media_list={"email": 1}, donot_disturb=1,
        media_reasons={"chat": Reason(reason_system_name="Lunch", reason=2)},
        state_reason=Reason(reason_system_name="Early", reason_description="Too", reason=4),
    )  # fmt: skip
    assert row(event)[0] == AGENT
    assert shown(event) == {
        "agent_id": "ann", "place_id": "p1", "agent_session_number": 3, "agent_session_dbid": 102,
        "media_list": '{"email":1}', "do_not_disturb": 1,
        "media_reasons": '{"chat":{"system_name":"Lunch","description":"","reason":2}}',
        "state_reason_system_name": "Early", "state_reason_description": "Too", "state_reason": 4,
    }  # fmt: skip


def test_a_channel_of_an_agent() -> None:
    event = m.EventNotReadyForMedia(
        tenant_id=1, agent_id="ann", media_type_name="chat",
        reason=Reason(reason_system_name="Lunch"), actor=Actor(media_server="chat1"),
    )  # fmt: skip
    table, found = row(event)
    assert (table, found["media_type"]) == (AGENT, "chat")
    assert shown(event) == {
        "agent_id": "ann", "reason_system_name": "Lunch", "reason": 0,
        "actor_media_server": "chat1",
    }  # fmt: skip


@pytest.mark.parametrize(
    "kind",
    [
        m.EventAgentLogout, m.EventMediaAdded, m.EventMediaRemoved, m.EventReadyForMedia,
        m.EventDoNotDisturbOn, m.EventDoNotDisturbOff, m.EventAgentStateReasonChanged,
        m.EventMediaStateReasonChanged, m.EventAgentAvailable, m.EventAgentNotAvailable,
        m.EventAgentConnectionClosed,
    ],
)  # fmt: skip
def test_other_events_about_agents_go_to_their_table(kind: Any) -> None:
    assert row(kind(tenant_id=1, agent_id="ann"))[0] == AGENT
