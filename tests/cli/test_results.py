"""Showing interactions."""

from __future__ import annotations

import io

from ixproxy.cli.output import Output
from ixproxy.cli.results import show_answer, show_missing, state_name, summary_row
from ixproxy.messages import EventInteractionsFound


def test_states_have_names() -> None:
    assert [state_name(value) for value in (0, 3, 9, "")] == ["queued", "handling", "9", ""]


def test_one_interaction_is_one_line() -> None:
    row = summary_row(
        "id-1",
        {
            "MediaType": "email",
            "Queue": "Q1",
            "InteractionState": 2,
            "PlacedInQueueAt": 1_000_000_000,
            "UserData": {"Subject": "x" * 100},
        },
    )
    assert row[:5] == ["id-1", "email", "Q1", "routing", "2001-09-09 01:46:40"]
    assert len(str(row[5])) == 60
    assert summary_row("id-2", {}) == ["id-2", "", "", "", "", ""]


def test_what_is_missing_is_said() -> None:
    stdout = io.StringIO()
    answer = EventInteractionsFound(interactions={"id-1": {}}, have_more=True)
    show_answer(answer, True, Output(False, stdout), "found")
    text = stdout.getvalue()
    assert "found: 1 interaction\n" in text
    assert "There are more" in text
    assert "Partial" in text


def test_ids_that_were_not_taken_are_objects_for_scripts() -> None:
    stdout = io.StringIO()
    show_missing({"id-1": 3041}, Output(True, stdout))
    assert stdout.getvalue() == (
        '{"interaction_id":"id-1","error":3041,'
        '"description":"Interaction is not in a pullable state"}\n'
    )
