"""`ixctl eventlog`: its verbs."""

from __future__ import annotations

import pytest

from ixproxy.cli.eventlog import VERBS
from ixproxy.cli.main import main, parser


@pytest.mark.parametrize("verb", [name.removeprefix("eventlog_") for name in VERBS])
def test_every_verb_has_help_and_json(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["eventlog", verb, "--help"])
    assert ended.value.code == 0
    assert "--json" in capsys.readouterr().out


def test_json_may_stand_before_the_verb_and_behind_it() -> None:
    root = parser(["eventlog"])
    report = ["report", "sqlite:x", "--output", "y"]
    assert root.parse_args(["eventlog", "--json", *report]).json
    assert root.parse_args(["eventlog", *report, "--json"]).json
    assert not root.parse_args(["eventlog", *report]).json


def test_without_a_verb_the_command_line_is_not_understood() -> None:
    with pytest.raises(SystemExit) as ended:
        main(["eventlog"])
    assert ended.value.code == 2
