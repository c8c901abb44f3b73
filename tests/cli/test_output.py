"""What a command prints."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.cli.output import Output, json_line, moment, plain


def printed(json: bool = False) -> tuple[Output, io.StringIO, io.StringIO]:
    stdout, stderr = io.StringIO(), io.StringIO()
    return Output(json, stdout, stderr), stdout, stderr


@given(
    st.recursive(
        st.none() | st.text() | st.integers(-(2**63), 2**63 - 1) | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_whatever_a_key_value_list_holds_is_one_line_of_json(value: Any) -> None:
    line = json_line({"value": value})
    assert "\n" not in line
    assert "value" in json.loads(line)


def test_broken_text_is_printed_with_replacement_signs() -> None:
    assert json.loads(json_line({"a": "x\ud800", "b": ["\udfff"]})) == {"a": "x?", "b": ["?"]}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("two\nlines\x1b[31m", "two\\x0alines\\x1b[31m"),
        (b"\x01\xff", "01 ff"),
        ({"a": 1}, '{"a":1}'),
        (3, "3"),
        ("süß", "süß"),
    ],
)
def test_a_value_is_text_on_one_line_and_cannot_steer_a_terminal(value: object, text: str) -> None:
    assert plain(value) == text


def test_times_are_utc() -> None:
    assert moment(0) == ""
    assert moment(1_000_000_000) == "2001-09-09 01:46:40"


def test_persons_get_text_and_scripts_objects() -> None:
    output, stdout, _ = printed()
    output.record({"a": 1}, "one")
    output.record({"b": 1})
    output.line("two")
    assert stdout.getvalue() == "one\ntwo\n"
    output, stdout, _ = printed(json=True)
    output.record({"a": 1}, "one")
    output.line("two")
    assert stdout.getvalue() == '{"a":1}\n'


def test_errors_go_to_stderr_unless_a_script_reads() -> None:
    output, stdout, stderr = printed()
    output.problem("43: no", {"error": 43})
    assert (stdout.getvalue(), stderr.getvalue()) == ("", "ixctl: 43: no\n")
    output, stdout, stderr = printed(json=True)
    output.problem("43: no", {"error": 43})
    assert (stdout.getvalue(), stderr.getvalue()) == ('{"error":43}\n', "")


def test_away_from_a_terminal_there_is_no_colour_and_nothing_is_cut() -> None:
    output, stdout, _ = printed()
    assert not output.terminal
    output.table(("id", "count"), [["x" * 150, 12], ["y", 3]], "title")
    assert "\x1b" not in stdout.getvalue()
    lines = stdout.getvalue().splitlines()
    assert lines[0].strip() == "title"
    assert "x" * 150 in lines[2]
    assert lines[3].rstrip().endswith(" 3")


def test_markup_in_values_is_only_text() -> None:
    output, stdout, _ = printed()
    output.line("[red]no[/red]")
    output.table(("a",), [["[bold]b"]])
    assert "[red]no[/red]" in stdout.getvalue()
    assert "[bold]b" in stdout.getvalue()


def test_nested_lists_are_indented() -> None:
    output, stdout, _ = printed()
    output.properties({"Queue": "Q1", "UserData": {"Subject": "Hello"}, "Empty": {}})
    assert stdout.getvalue().splitlines() == [
        "Queue     Q1",
        "UserData",
        "  Subject  Hello",
        "Empty     {}",
    ]


def test_notes_are_no_results() -> None:
    output, stdout, stderr = printed(json=True)
    output.note("wait")
    assert (stdout.getvalue(), stderr.getvalue()) == ("", "wait\n")
    assert output.notes is not output.console
