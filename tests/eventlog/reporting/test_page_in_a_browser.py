"""The page of a report in a real browser: small and large, light and dark."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from ixproxy.cli.main import main
from ixproxy.eventlog.reporting.wording import shortened, visible
from tests.eventlog.reporting.browser import (
    COLLISIONS,
    OVERFLOW,
    SCHEMES,
    TEXTS,
    WIDTHS,
    Seen,
    browser,
    contrast,
    unusable,
)
from tests.eventlog.reporting.filling import NASTY, LogFile, busy_log

EVERYWHERE = [(*width, scheme) for width in WIDTHS for scheme in SCHEMES]

# Asked of the tables in another way than the report reads them: by windows over each interaction.
WAITS = """
    CREATE TEMP TABLE waits AS
    SELECT queue, dbid, entered, left, left - entered AS seconds FROM (
        SELECT dbid, event, queue, party_type, merged_time AS left,
            LAG(merged_time) OVER story AS entered, LAG(event) OVER story AS came
        FROM rpt_interaction
        WHERE event IN ('EventInteractionSubmitted', 'EventPlacedInQueue', 'EventTakenFromQueue')
        WINDOW story AS (PARTITION BY dbid, interaction_id ORDER BY event_number)
    ) WHERE event = 'EventTakenFromQueue' AND party_type IS NOT NULL
"""
HANDLINGS = """
    CREATE TEMP TABLE handlings AS
    SELECT media_type, party_agent, left - entered AS seconds FROM (
        SELECT event, media_type, party_agent, merged_time AS left,
            LAG(merged_time) OVER (
                PARTITION BY dbid, interaction_id, party_agent ORDER BY event_number
            ) AS entered
        FROM rpt_interaction WHERE event IN ('EventPartyAdded', 'EventPartyRemoved')
    ) WHERE event = 'EventPartyRemoved'
"""
RANKED = """
    SELECT {names}, COUNT(*),
        MIN(CASE WHEN 2 * place >= whole THEN seconds END),
        MIN(CASE WHEN 10 * place >= 9 * whole THEN seconds END),
        MIN(CASE WHEN 20 * place >= 19 * whole THEN seconds END),
        MAX(seconds)
    FROM (
        SELECT *, ROW_NUMBER() OVER (PARTITION BY {names} ORDER BY seconds) AS place,
            COUNT(*) OVER (PARTITION BY {names}) AS whole
        FROM {table}
    ) GROUP BY {names}
"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if reason := unusable():
        pytest.skip(reason)
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A merged log with all that a page shows."""
    path = tmp_path_factory.mktemp("log") / "merged.db"
    busy_log(path)
    return path


@pytest.fixture(scope="module")
def report(log: Path) -> Path:
    """Its page."""
    path = log.with_name("report.html")
    assert main(["eventlog", "report", f"sqlite:{log}", "--output", str(path), "--json"]) == 0
    return path


@pytest.fixture(params=EVERYWHERE, ids=str)
def seen(request: pytest.FixtureRequest, chromium: Browser, report: Path) -> Iterator[Seen]:
    found = Seen(chromium, report, *request.param)
    found.unfold()
    yield found
    found.page.close()


def test_nothing_is_wider_than_the_screen(seen: Seen) -> None:
    whole, room = seen.asks(OVERFLOW)
    assert whole <= room


def test_every_text_stands_out_from_what_is_behind_it(seen: Seen) -> None:
    texts = seen.asks(TEXTS)
    assert len([each for each in texts if each["drawn"]]) > 50
    assert len(texts) > 500
    faint = [
        (each["text"], round(contrast(each["ink"], each["behind"]), 2))
        for each in texts
        if contrast(each["ink"], each["behind"]) < 4.5
    ]
    assert faint == []


def test_it_says_nothing_to_the_console_and_asks_for_nothing(seen: Seen) -> None:
    assert seen.said == []
    assert seen.asked == []


def test_no_text_of_a_chart_lies_on_another(seen: Seen) -> None:
    assert seen.asks(COLLISIONS) == []


def test_light_and_dark_differ(chromium: Browser, report: Path) -> None:
    papers = set()
    for scheme in SCHEMES:
        found = Seen(chromium, report, 360, 800, scheme)
        papers.add(found.asks("() => getComputedStyle(document.body).backgroundColor"))
        found.page.close()
    assert len(papers) == 2


@pytest.mark.parametrize("width", [480, 768, 1024, 1600])
def test_nothing_is_wider_than_screens_of_other_widths(
    chromium: Browser, report: Path, width: int
) -> None:
    found = Seen(chromium, report, width, 900, "light")
    found.unfold()
    whole, room = found.asks(OVERFLOW)
    assert whole <= room
    assert found.asks(COLLISIONS) == []
    found.page.close()


def test_names_are_text_whatever_is_in_them(chromium: Browser, report: Path) -> None:
    found = Seen(chromium, report, 1440, 900, "light")
    names = [row[0] for row in found.rows("table-queues")]
    for name in NASTY:
        assert shortened(visible(name)) in names
    assert found.asks("() => document.scripts.length") == 0
    assert found.asks("() => document.querySelectorAll('bdi b').length") == 0
    whole = found.page.get_attribute("#table-queues bdi[title^=qqq]", "title")
    assert whole is not None
    assert whole.startswith("q" * 2000)
    assert "10,000" in whole
    found.page.close()


@pytest.fixture(scope="module")
def numbers(chromium: Browser, report: Path) -> Iterator[Seen]:
    found = Seen(chromium, report, 1440, 900, "light")
    yield found
    found.page.close()


@pytest.fixture(scope="module")
def tables(log: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(log)) as connection:
        connection.execute(WAITS)
        connection.execute(HANDLINGS)
        yield connection


def shown(name: str) -> str:
    return shortened(visible(name))


def whole(text: str) -> int:
    return int(text.replace(",", ""))


def seconds(text: str) -> float:
    assert text.startswith("PT")
    assert text.endswith("S")
    return float(text[2:-1])


def test_the_volumes_are_those_of_the_tables(numbers: Seen, tables: sqlite3.Connection) -> None:
    expected = {
        shown(name): tuple(row)
        for name, *row in tables.execute(
            "SELECT queue, SUM(event = 'EventInteractionSubmitted'),"
            " SUM(event = 'EventPlacedInQueue'), SUM(event = 'EventTakenFromQueue'), 0, 0,"
            " SUM(event = 'EventProcessingStopped') FROM rpt_interaction"
            " WHERE queue IS NOT NULL GROUP BY queue"
        )
    }
    *rows, foot = numbers.rows("table-queues")
    assert {row[0]: tuple(map(whole, row[1:7])) for row in rows} == expected
    waiting = dict(
        tables.execute(
            "SELECT queue, COUNT(*) FROM rpt_interaction AS last WHERE event_number = ("
            " SELECT MAX(event_number) FROM rpt_interaction AS each"
            " WHERE each.interaction_id = last.interaction_id AND each.dbid = last.dbid)"
            " AND event IN ('EventInteractionSubmitted', 'EventPlacedInQueue') GROUP BY queue"
        ).fetchall()
    )
    assert {row[0]: whole(row[7]) for row in rows} == {
        shown(name): waiting.get(name, 0)
        for (name,) in tables.execute(
            "SELECT DISTINCT queue FROM rpt_interaction WHERE queue IS NOT NULL"
        )
    }
    assert [whole(cell) for cell in foot[1:]] == [
        sum(whole(row[place]) for row in rows) for place in range(1, 8)
    ]


def test_the_steps_of_the_chart_add_up_to_the_tables(
    numbers: Seen, tables: sqlite3.Connection
) -> None:
    found = {row[0]: tuple(map(whole, row[1:])) for row in numbers.rows("table-steps")[:-1]}
    expected = {
        at: tuple(row)
        for at, *row in tables.execute(
            "SELECT strftime('%Y-%m-%d %H:%M:%S', CAST(merged_time / 900 AS INTEGER) * 900,"
            " 'unixepoch'), SUM(event = 'EventInteractionSubmitted'),"
            " SUM(event = 'EventPlacedInQueue'), SUM(event = 'EventTakenFromQueue'),"
            " SUM(event = 'EventProcessingStopped') FROM rpt_interaction GROUP BY 1"
        )
    }
    nothing = (0, 0, 0, 0)
    assert {at: row for at, row in found.items() if row != nothing} == {
        at: row for at, row in expected.items() if row != nothing
    }


@pytest.mark.parametrize(
    ("table", "source", "names"),
    [
        ("table-waits", "waits", "queue"),
        ("table-handlings", "handlings", "media_type"),
        ("table-agents-handlings", "handlings", "media_type, party_agent"),
    ],
)
def test_times_are_those_of_the_tables(
    numbers: Seen, tables: sqlite3.Connection, table: str, source: str, names: str
) -> None:
    of_name = names.count(",") + 1
    expected = {
        tuple(map(shown, row[:of_name])): row[of_name:]
        for row in tables.execute(RANKED.format(names=names, table=source))
    }
    rows = numbers.rows(table)[:-1]
    assert len(rows) == len(expected)
    for row in rows:
        count, *times = expected[tuple(row[:of_name])]
        assert whole(row[of_name]) == count
        assert [seconds(cell) for cell in row[of_name + 1 :]] == pytest.approx(times, abs=1e-5)


def test_agents_have_the_time_that_their_events_say(
    numbers: Seen, tables: sqlite3.Connection
) -> None:
    (end,) = tables.execute(
        "SELECT MAX(last) FROM (SELECT MAX(merged_time) AS last FROM rpt_interaction"
        " UNION ALL SELECT MAX(merged_time) FROM rpt_agent UNION ALL"
        " SELECT MAX(merged_time) FROM rpt_esp UNION ALL SELECT MAX(logged_until) FROM rpt_source)"
    ).fetchone()
    expected = {
        name: (login, end if logout is None else logout)
        for name, login, logout in tables.execute(
            "SELECT agent_id, MIN(CASE WHEN event = 'EventAgentLogin' THEN merged_time END),"
            " MAX(CASE WHEN event = 'EventAgentLogout' THEN merged_time END)"
            " FROM rpt_agent GROUP BY agent_id"
        )
    }
    rows = numbers.rows("table-agents")[:-1]
    assert {row[0].removesuffix(" †"): seconds(row[2]) for row in rows} == pytest.approx(
        {name: logout - login for name, (login, logout) in expected.items()}, abs=1e-5
    )
    for row in rows:
        assert seconds(row[2]) == pytest.approx(sum(map(seconds, row[3:6])), abs=1e-5)
        assert row[0].endswith(" †") == (row[7] == "1")


def test_calls_and_custom_events_are_those_of_the_tables(
    numbers: Seen, tables: sqlite3.Connection
) -> None:
    expected = tables.execute(
        "SELECT esp_server, SUM(event = 'EventExternalServiceRequested'),"
        " SUM(event = 'EventExternalServiceResponded'), COUNT(fault_code) FROM rpt_esp GROUP BY 1"
    ).fetchall()
    rows = numbers.rows("table-servers")[:-1]
    assert sorted((row[0], *map(whole, row[1:4])) for row in rows) == expected
    assert all(whole(row[1]) - whole(row[2]) == whole(row[4]) for row in rows)
    custom = tables.execute(
        "SELECT CAST(custom_event_id AS TEXT), media_type, COUNT(*) FROM rpt_custom GROUP BY 1, 2"
    ).fetchall()
    of_page = [(row[0], row[1], whole(row[3])) for row in numbers.rows("table-custom")[:-1]]
    assert sorted(of_page) == custom


def test_who_was_overtaken_is_what_the_tables_say(
    numbers: Seen, tables: sqlite3.Connection
) -> None:
    expected = {
        shown(queue): tuple(row)
        for queue, *row in tables.execute(
            "SELECT queue, COUNT(*), SUM(overtaken), SUM(overtaken AND NOT own),"
            " SUM(overtaken AND own) FROM (SELECT queue, EXISTS (SELECT 1 FROM waits AS other"
            " WHERE other.queue = waits.queue AND other.left < waits.left"
            " AND other.entered > waits.entered) AS overtaken,"
            " EXISTS (SELECT 1 FROM waits AS other WHERE other.queue = waits.queue"
            " AND other.dbid = waits.dbid AND other.left < waits.left"
            " AND other.entered > waits.entered) AS own FROM waits) GROUP BY queue"
        )
    }
    rows = numbers.rows("table-order")[:-1]
    assert {
        row[0]: (whole(row[1]), whole(row[2]), whole(row[4]), whole(row[5])) for row in rows
    } == expected


def test_what_was_dropped_and_late_is_what_the_tables_say(
    numbers: Seen, tables: sqlite3.Connection
) -> None:
    dropped = [(row[0], row[1], whole(row[2])) for row in numbers.rows("table-dropped")[:-1]]
    assert sorted(dropped) == sorted(
        tables.execute(
            "SELECT node || ' (' || dbid || ')', event, dropped FROM rpt_dropped"
            " JOIN rpt_source USING (dbid)"
        ).fetchall()
    )
    gaps = [whole(row[5]) for row in numbers.rows("table-gaps")[:-1]]
    assert gaps == [743, 4]
    (late,) = tables.execute(
        "SELECT (SELECT SUM(is_late) FROM rpt_interaction) + (SELECT SUM(is_late) FROM rpt_custom)"
    ).fetchone()
    assert whole(numbers.rows("table-clocks")[-1][3]) == late > 0
    events = [
        tables.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]
        for table in ("rpt_interaction", "rpt_agent", "rpt_esp", "rpt_custom")
    ]
    assert [whole(cell) for cell in numbers.rows("table-nodes")[-1][1:6]] == [*events, sum(events)]


def test_a_log_in_which_nothing_happened_has_a_page_as_well(
    chromium: Browser, tmp_path: Path
) -> None:
    with LogFile(tmp_path / "empty.db") as log:
        address = log.address
    path = tmp_path / "empty.html"
    assert main(["eventlog", "report", address, "--output", str(path), "--json"]) == 0
    found = Seen(chromium, path, 360, 800, "dark")
    whole_width, room = found.asks(OVERFLOW)
    assert whole_width <= room
    assert found.said == found.asked == []
    found.page.close()
