"""The time of agents, by state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ixproxy.eventlog.reporting.agents import MEDIA_MOST, AgentTimes
from ixproxy.eventlog.reporting.period import Wanted
from tests.eventlog.reporting.filling import NOON, LogFile
from tests.eventlog.reporting.gathering import figures_of, rows

END = NOON + 1000

Told = tuple[float, str, dict[str, Any]]

STAMP = {"agent_session_number": 1, "agent_session_dbid": 101}
NEXT = {"agent_session_number": 2, "agent_session_dbid": 101}


def found(
    folder: Path,
    *told: Told,
    wanted: Wanted | None = None,
    merged: bool = False,
) -> AgentTimes:
    def fill(log: LogFile) -> None:
        log.node(101, "ixn1", END)
        for at, event, row in told:
            log.agent(NOON + at, event, "anna", **row)

    return figures_of(folder, fill, wanted, merged=merged).agents


def test_time_goes_to_the_state_that_there_is(tmp_path: Path) -> None:
    said = found(
        tmp_path,
        (0, "EventAgentLogin", {"media_list": '{"chat": 0, "email": 1}', "do_not_disturb": 0}),
        (10, "EventNotReadyForMedia", {"media_type": "email"}),
        (30, "EventReadyForMedia", {"media_type": "chat"}),
        (70, "EventDoNotDisturbOn", {}),
        (150, "EventDoNotDisturbOff", {}),
        (151, "EventMediaRemoved", {"media_type": "chat"}),
        (160, "EventMediaAdded", {"media_type": "fax"}),
        (161, "EventReadyForMedia", {"media_type": "fax"}),
        (165, "EventAgentLogout", {}),
    )
    # Ready 0–10, 30–70, 150–151, 161–165; not ready 10–30, 151–161; not to be disturbed 70–150.
    assert rows(said.agents) == {"anna": (1, 165, 55, 30, 80, 0, 0)}
    assert rows(said.media) == {
        ("anna", "email"): (10, 155),
        ("anna", "chat"): (121, 30),
        ("anna", "fax"): (4, 1),
    }


def test_a_session_without_a_logout_is_cut_at_the_end_of_the_log(tmp_path: Path) -> None:
    said = found(tmp_path, (0, "EventAgentLogin", {"media_list": "{}"}))
    assert rows(said.agents) == {"anna": (1, 1000, 0, 1000, 0, 0, 1)}


def test_a_session_without_a_login_begins_with_what_is_first_heard(tmp_path: Path) -> None:
    said = found(
        tmp_path, (0, "EventReadyForMedia", {"media_type": "chat"}), (9, "EventAgentLogout", {})
    )
    assert rows(said.agents) == {"anna": (1, 9, 9, 0, 0, 1, 0)}


def test_only_what_is_in_the_period_counts(tmp_path: Path) -> None:
    told: tuple[Told, ...] = (
        (0.0, "EventAgentLogin", {"media_list": '{"chat": 1}'}),
        (100.0, "EventAgentLogout", {}),
    )
    inside = found(tmp_path, *told, wanted=Wanted(NOON + 20, NOON + 50))
    assert rows(inside.agents) == {"anna": (1, 30, 30, 0, 0, 0, 1)}
    after = found(tmp_path, *told, wanted=Wanted(NOON + 200, NOON + 500))
    assert rows(after.agents) == {}
    assert rows(found(tmp_path, *told, wanted=Wanted(tenant=2)).agents) == {}


@pytest.mark.parametrize("stamp", [STAMP, {}], ids=["with stamps", "without"])
def test_what_each_node_tells_of_one_session_is_one_session(
    tmp_path: Path, stamp: dict[str, object]
) -> None:
    told: list[Told] = []
    for dbid in (101, 102, 103):
        late = (dbid - 101) * 0.5
        told += [
            (late, "EventAgentLogin", {**stamp, "dbid": dbid, "media_list": '{"chat": 1}'}),
            (100 + late, "EventAgentLogout", {**stamp, "dbid": dbid}),
        ]
    said = found(tmp_path, *sorted(told, key=lambda each: each[0]))
    assert rows(said.agents) == {"anna": (1, 101, 101, 0, 0, 0, 0)}


def test_others_may_still_speak_of_a_session_that_has_ended(tmp_path: Path) -> None:
    said = found(
        tmp_path,
        (0, "EventAgentLogin", {**STAMP, "media_list": "{}"}),
        (10, "EventAgentLogout", STAMP),
        (11, "EventNotReadyForMedia", {**STAMP, "media_type": "chat", "dbid": 102}),
        (12, "EventAgentLogout", {**STAMP, "dbid": 102}),
        (13, "EventAgentLogout", {"dbid": 103}),
    )
    assert rows(said.agents) == {"anna": (1, 10, 0, 10, 0, 0, 0)}


def test_a_newer_session_ends_the_older_one(tmp_path: Path) -> None:
    said = found(
        tmp_path,
        (0, "EventAgentLogin", {**STAMP, "media_list": '{"chat": 1}'}),
        (10, "EventAgentLogin", {**NEXT, "media_list": "{}"}),
        (20, "EventAgentLogout", {**STAMP, "dbid": 102}),
        (30, "EventAgentLogout", NEXT),
    )
    assert rows(said.agents) == {"anna": (2, 30, 10, 20, 0, 0, 1)}


def test_in_a_merged_log_one_logout_ends_a_session_whoever_tells_it(tmp_path: Path) -> None:
    said = found(
        tmp_path,
        (0, "EventAgentLogin", {**STAMP, "media_list": "{}", "dbid": 101}),
        (10, "EventAgentLogout", {**STAMP, "dbid": 103}),
        merged=True,
    )
    assert rows(said.agents) == {"anna": (1, 10, 0, 10, 0, 0, 0)}


def test_what_is_said_of_who_is_not_logged_in_begins_nothing(tmp_path: Path) -> None:
    said = found(
        tmp_path,
        (0, "EventCustomReporting", {"custom_event_id": 1, "custom_event": "{}"}),
        (1, "EventAgentConnectionClosed", {}),
    )
    assert rows(said.agents) == {}


@pytest.mark.parametrize("listed", [None, "no JSON", "[1]", "7"])
def test_a_list_of_media_that_is_none_lists_none(tmp_path: Path, listed: str | None) -> None:
    said = found(
        tmp_path,
        (0, "EventAgentLogin", {"media_list": listed}),
        (10, "EventAgentLogout", {}),
    )
    assert rows(said.agents) == {"anna": (1, 10, 0, 10, 0, 0, 0)}


def test_media_of_one_agent_are_bounded(tmp_path: Path) -> None:
    told: list[Told] = [
        (float(place % 10), "EventReadyForMedia", {"media_type": f"m{place}"})
        for place in range(MEDIA_MOST + 9)
    ]
    said = found(tmp_path, *told)
    assert len(said.media.rows) + said.media.left_out == MEDIA_MOST
