"""The time of agents, as a page shows it."""

from __future__ import annotations

from pathlib import Path

from ixproxy.eventlog.reporting.section_agents import agents
from tests.eventlog.reporting.filling import NOON, LogFile
from tests.eventlog.reporting.gathering import figures_of
from tests.eventlog.reporting.reading import cells, empty_figures, words


def login(log: LogFile, name: str, *, ends: bool = True) -> None:
    log.agent(NOON, "EventAgentLogin", name, media_list='{"chat": 1}')
    log.agent(NOON + 40, "EventNotReadyForMedia", name, media_type="chat")
    if ends:
        log.agent(NOON + 100, "EventAgentLogout", name)


def test_states_add_up_and_media_are_told_apart(tmp_path: Path) -> None:
    section = agents(figures_of(tmp_path, lambda log: login(log, "anna")))
    whole = ["1", "1 min 40 s", "40 s", "1 min 00 s", "0 s", "0", "0"]
    assert cells(section, "table-agents") == [["anna", *whole], ["All agents", *whole]]
    assert cells(section, "table-agents-media") == [
        ["anna", "chat", "40 s", "1 min 00 s"],
        ["All", "", "40 s", "1 min 00 s"],
    ]
    assert "†" not in words(section)


def test_a_session_that_was_cut_is_marked(tmp_path: Path) -> None:
    def fill(log: LogFile) -> None:
        log.node(101, "ixn1", NOON + 500)
        login(log, "anna", ends=False)
        login(log, "bert")

    section = agents(figures_of(tmp_path, fill))
    assert [row[0] for row in cells(section, "table-agents")] == ["anna †", "bert", "All agents"]
    assert "† A session of this agent has no logout in the log" in words(section)


def test_rows_without_a_name_are_in_the_row_of_the_others(tmp_path: Path) -> None:
    def fill(log: LogFile) -> None:
        for place in range(53):
            login(log, f"a{place:02}")

    section = agents(figures_of(tmp_path, fill))
    assert cells(section, "table-agents")[-2][:3] == ["3 other agents", "3", "5 min 00 s"]
    assert cells(section, "table-agents-media")[-2] == [
        "3 other pairs", "", "2 min 00 s", "3 min 00 s",
    ]  # fmt: skip
    assert "(38 more in the table)" in words(section)


def test_where_nobody_was_logged_in_it_says_so(tmp_path: Path) -> None:
    assert "No agent was logged in." in words(agents(empty_figures(tmp_path)))
