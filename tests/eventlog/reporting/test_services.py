"""Calls to external servers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ixproxy.eventlog.reporting.period import Wanted
from ixproxy.eventlog.reporting.services import Services
from tests.eventlog.reporting.filling import NOON, LogFile
from tests.eventlog.reporting.gathering import figures_of, rows

CALL, ANSWER = "EventExternalServiceRequested", "EventExternalServiceResponded"


def found(
    folder: Path, *told: tuple[float, str, dict[str, Any]], wanted: Wanted | None = None
) -> Services:
    def fill(log: LogFile) -> None:
        for at, event, row in told:
            log.event("rpt_esp", NOON + at, event, **{"esp_server": "crm", **row})

    return figures_of(folder, fill, wanted).services


def test_calls_are_answered_fail_or_wait(tmp_path: Path) -> None:
    said = found(
        tmp_path,
        (0, CALL, {"esp_request_id": "1"}),
        (0, CALL, {"esp_request_id": "2"}),
        (1, CALL, {"esp_request_id": "3"}),
        (2, ANSWER, {"esp_request_id": "2"}),
        (5, ANSWER, {"esp_request_id": "1", "fault_code": "17", "fault_text": "no"}),
        (6, CALL, {"esp_request_id": "4", "esp_server": "erp"}),
        (7, ANSWER, {"esp_request_id": "4", "esp_server": "erp", "fault_text": "no code"}),
    )
    assert rows(said.servers) == {"crm": (3, 2, 1, 1), "erp": (1, 1, 1, 0)}
    assert rows(said.faults) == {("crm", "17"): (1,), ("erp", ""): (1,)}
    crm = rows(said.times)["crm"]
    assert (crm.count, crm.median, crm.longest) == (2, 2, 5)


def test_an_answer_counts_when_it_comes(tmp_path: Path) -> None:
    told = ((0.0, CALL, {"esp_request_id": "1"}), (10.0, ANSWER, {"esp_request_id": "1"}))
    after = found(tmp_path, *told, wanted=Wanted(begin=NOON + 5))
    assert rows(after.servers) == {"crm": (0, 1, 0, 0)}
    assert after.times.whole.longest == 10
    before = found(tmp_path, *told, wanted=Wanted(end=NOON + 5))
    assert rows(before.servers) == {"crm": (1, 0, 0, 1)}


def test_calls_without_an_id_are_counted_and_not_measured(tmp_path: Path) -> None:
    said = found(tmp_path, (0, CALL, {}), (1, ANSWER, {}), (2, ANSWER, {"esp_request_id": "9"}))
    assert rows(said.servers) == {"crm": (1, 2, 0, 0)}
    assert said.times.rows == []
