"""The lines that `ixctl agent` understands."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.cli.agent_verbs import VERBS, Line, completions, help_lines, line_of
from ixproxy.cli.outcomes import UsageError


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", None),
        ("  # later", None),
        ("quit", Line("quit")),
        ("ready email", Line("ready", ("email",))),
        ("notready email gone to lunch", Line("notready", ("email", "gone to lunch"))),
        ("transfer id-1 lee # quick", Line("transfer", ("id-1", "lee"))),
        ("place id-1 'Second line'", Line("place", ("id-1", "Second line"))),
        ("reject", Line("reject")),
        ("reject 4 not mine", Line("reject", ("4", "not mine"))),
        ("reason out for lunch", Line("reason", ("out for lunch",))),
        ("change id-1 Subject=Hello world", Line("change", ("id-1", "Subject=Hello world"))),
        ("login email chat=notready", Line("login", ("email chat=notready",))),
    ],
)
def test_a_line_is_a_verb_and_its_words(text: str, line: Line | None) -> None:
    assert line_of(text) == line


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Ready email", "no such command: 'Ready'; `help` lists them"),
        ("ready", "ready needs MEDIA: ready MEDIA [REASON...]"),
        ("change id-1", "change needs [+]KEY=VALUE|-KEY: change ID [+]KEY=VALUE|-KEY..."),
        ("reason", "reason needs REASON: reason REASON..."),
        ("hold id-1 id-2", "too much after hold: hold ID"),
        ("place id-1 'Second", "cannot read the line: No closing quotation"),
    ],
)
def test_what_does_not_fit_is_named(text: str, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        line_of(text)
    assert str(caught.value) == problem


@given(st.text())
def test_any_text_is_a_line_or_a_clear_error(text: str) -> None:
    with suppress(UsageError):
        line = line_of(text)
        assert line is None or line.verb in VERBS


def test_help_knows_all_verbs_or_one() -> None:
    assert len(help_lines()) == len(VERBS)
    assert [usage for usage, _ in help_lines("dnd")] == ["dnd on|off [REASON...]"]
    with pytest.raises(UsageError, match="no such command"):
        help_lines("juggle")


def test_verbs_are_completed_first_and_then_what_is_known() -> None:
    assert completions("re", ["red"]) == ["ready", "reason", "reject", "remove", "resume"]
    assert completions("stop i", ["id-1", "id-2", "email"]) == ["id-1", "id-2"]
    assert completions("stop ", ["id-1"]) == ["id-1"]
