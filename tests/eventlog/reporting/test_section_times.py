"""How long things took, as a page shows it."""

from __future__ import annotations

from pathlib import Path

from ixproxy.eventlog.reporting.section_times import handling, services, waiting
from tests.eventlog.reporting.filling import NOON, LogFile
from tests.eventlog.reporting.gathering import figures_of
from tests.eventlog.reporting.reading import cells, empty_figures, read, words

ANNA = {"party_type": 2, "party_agent": "anna", "media_type": "chat"}


def some(log: LogFile) -> None:
    for place in range(60):
        name, queue = f"i{place}", {"queue": f"Q{place:02}"}
        log.interaction(NOON, "EventPlacedInQueue", name, **queue)
        log.interaction(NOON + 10, "EventTakenFromQueue", name, **queue, **ANNA)
        log.interaction(NOON + 10, "EventPartyAdded", name, **ANNA)
        log.interaction(NOON + 75, "EventPartyRemoved", name, **ANNA)
    for place in range(55):
        call = {"esp_server": f"s{place}", "esp_request_id": str(place)}
        log.event("rpt_esp", NOON, "EventExternalServiceRequested", **call)  # type: ignore[arg-type]
        call |= {"fault_code": "17"}
        log.event("rpt_esp", NOON + 2, "EventExternalServiceResponded", **call)  # type: ignore[arg-type]


def test_waiting_has_a_row_for_each_queue_and_one_for_the_others(tmp_path: Path) -> None:
    *rows, others, foot = cells(waiting(figures_of(tmp_path, some)), "table-waits")
    times = ["10 s", "10 s", "10 s", "10 s"]
    assert len(rows) == 50
    assert rows[0] == ["Q00", "1", *times]
    assert others == ["10 other queues", "10", *times]
    assert foot == ["All queues", "60", *times]


def test_a_distribution_has_all_its_bins_in_a_table(tmp_path: Path) -> None:
    section = waiting(figures_of(tmp_path, some))
    rows = cells(section, "table-waits-bins")
    assert ["10 s to below 30 s", "60"] in rows
    assert rows[0] == ["below 1 s", "0"]
    assert rows[-2:] == [["1 d and longer", "0"], ["All", "60"]]
    (chart,) = [each for each in read(section).iter("svg") if "upright" in each.get("class", "")]
    assert len(list(chart.iter("rect"))) == 5


def test_handling_is_shown_by_media_and_by_agent(tmp_path: Path) -> None:
    section = handling(figures_of(tmp_path, some))
    times = ["1 min 05 s"] * 4
    assert cells(section, "table-handlings")[0] == ["chat", "60", *times]
    assert cells(section, "table-agents-handlings") == [
        ["chat", "anna", "60", *times],
        ["All agents", "", "60", *times],
    ]


def test_calls_have_their_faults_and_times(tmp_path: Path) -> None:
    section = services(figures_of(tmp_path, some))
    assert cells(section, "table-servers")[-2:] == [
        ["5 other servers", "5", "5", "5", "0"],
        ["All servers", "55", "55", "55", "0"],
    ]
    assert cells(section, "table-calls")[-1] == ["All servers", "55", *["2.0 s"] * 4]
    assert cells(section, "table-faults")[-2:] == [["5 other pairs", "", "5"], ["All", "", "55"]]


def test_calls_that_nobody_has_answered_have_no_times(tmp_path: Path) -> None:
    def fill(log: LogFile) -> None:
        log.event("rpt_esp", NOON, "EventExternalServiceRequested", esp_server="crm")

    section = services(figures_of(tmp_path, fill))
    assert cells(section, "table-servers")[0] == ["crm", "1", "0", "0", "0"]
    assert "table-calls" not in {each.get("id") for each in read(section).iter("table")}


def test_where_there_is_nothing_it_says_so(tmp_path: Path) -> None:
    figures = empty_figures(tmp_path)
    for section in (waiting(figures), handling(figures)):
        assert "Nothing of that is in the log." in words(section)
    assert "No calls." in words(services(figures))
