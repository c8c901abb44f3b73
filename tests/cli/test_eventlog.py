"""`ixctl eventlog`, and its verbs."""

from __future__ import annotations

import pytest

from ixproxy.cli.eventlog import VERBS
from ixproxy.cli.main import parser


def test_each_verb_says_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parser(["eventlog"]).parse_args(["eventlog", "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    for name in VERBS:
        assert name.removeprefix("eventlog_") in text


def test_without_a_verb_nothing_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parser(["eventlog"]).parse_args(["eventlog"])
    assert caught.value.code == 2
    assert "VERB" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [["--json", "merge"], ["merge", "--json"], ["merge"]])
def test_json_may_stand_on_either_side_of_the_verb(argv: list[str]) -> None:
    rest = ["sqlite:a.db", "--into", "sqlite:b.db"]
    args = parser(["eventlog"]).parse_args(["eventlog", *argv, *rest])
    assert args.json is ("--json" in argv)
    assert args.local
