"""What a row of `rpt_agent` says."""

from __future__ import annotations

import json

import pytest

from ixproxy.eventlog.merging.agent_acts import (
    COLUMNS,
    absent,
    channel_of,
    reader_of,
    reason_of,
    session_of,
    state_after,
    states_at_login,
)
from tests.eventlog.merging.agent_worlds import event, row


def test_a_row_is_read_whatever_the_order_of_its_columns() -> None:
    columns = [*reversed(COLUMNS), "c_own"]
    given = [*reversed(row(7, 3, 10.0, "AgentLogin", media_list="{}")), "mine"]
    read = reader_of(columns)(given, 9.5, True)
    assert (read.dbid, read.event_number, read.event_time, read.event) == (
        7,
        3,
        10.0,
        "EventAgentLogin",
    )
    assert (read.media_list, read.time, read.late) == ("{}", 9.5, True)
    assert read.row is given


def test_a_session_has_the_name_that_its_number_and_home_give_it() -> None:
    assert session_of(event(1, 1.0, "AgentLogin")) == "1.1"
    assert session_of(event(1, 1.0, "AgentLogin", agent_session_dbid=None)) is None
    assert session_of(event(1, 1.0, "AgentLogin", agent_session_number=None)) is None


@pytest.mark.parametrize(
    ("name", "channel", "before", "after"),
    [
        ("MediaAdded", "mchat", "", "0"),
        ("MediaRemoved", "mchat", "1", ""),
        ("ReadyForMedia", "mchat", "0", '1["Break","",0]'),
        ("NotReadyForMedia", "mchat", "1", '0["Break","",0]'),
        ("MediaStateReasonChanged", "mchat", "1", '1["Break","",0]'),
        ("MediaStateReasonChanged", "mchat", None, '?["Break","",0]'),
        ("AgentStateReasonChanged", "r", "", '["Break","",0]'),
        ("DoNotDisturbOn", "d", "0", "1"),
        ("DoNotDisturbOff", "d", "1", "0"),
        ("AgentConnectionClosed", "oEventAgentConnectionClosed", None, "1"),
        ("AgentConnectionClosed", "oEventAgentConnectionClosed", "1", "2"),
    ],
)
def test_each_change_is_about_a_channel_and_makes_a_state_of_another(
    name: str, channel: str, before: str | None, after: str
) -> None:
    seen = event(1, 1.0, name, media_type="chat", reason_system_name="Break")
    assert channel_of(seen) == channel
    assert state_after(seen, before) == after


def test_no_reason_is_no_text() -> None:
    assert reason_of(event(1, 1.0, "ReadyForMedia")) == ""
    assert reason_of(event(1, 1.0, "ReadyForMedia", reason=0, reason_description="")) == ""
    assert reason_of(event(1, 1.0, "ReadyForMedia", reason=4)) == '["","",4]'


@pytest.mark.parametrize(
    "keys",
    [
        ("system_name", "description", "reason"),
        ("reason_system_name", "reason_description", "reason"),
        ("ReasonSystemName", "ReasonDescription", "Reason"),
    ],
)
def test_a_login_says_the_state_of_all_channels(keys: tuple[str, ...]) -> None:
    reasons = {"chat": dict(zip(keys, ("Lunch", "at noon", 2), strict=True))}
    seen = event(
        1,
        1.0,
        "AgentLogin",
        media_list=json.dumps({"chat": 0, "email": 1}),
        media_reasons=json.dumps(reasons),
        do_not_disturb=1,
        state_reason_system_name="Training",
    )
    assert states_at_login(seen) == {
        "mchat": '0["Lunch","at noon",2]',
        "memail": "1",
        "d": "1",
        "r": '["Training","",0]',
    }


@pytest.mark.parametrize("text", [None, "", "no JSON", "[1]", '"chat"', '{"chat": '])
def test_what_is_no_list_of_media_says_nothing_of_media(text: str | None) -> None:
    states = states_at_login(event(1, 1.0, "AgentLogin", media_list=text, media_reasons=text))
    assert states == {"d": "0", "r": ""}


def test_what_a_login_does_not_speak_of_is_as_in_a_new_session() -> None:
    assert (absent("d"), absent("r"), absent("mchat")) == ("0", "", "")
