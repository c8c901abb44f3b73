"""`ixctl eventlog`, and its verbs."""

from __future__ import annotations

import pytest

from ixproxy.cli.eventlog import VERBS
from ixproxy.cli.main import main, parser

NEEDED = {
    "eventlog_merge": ["sqlite:a.db", "--into", "sqlite:b.db"],
    "eventlog_report": ["sqlite:x", "--output", "y"],
}


def test_each_verb_says_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parser(["eventlog"]).parse_args(["eventlog", "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    for name in VERBS:
        assert name.removeprefix("eventlog_") in text


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_has_help_and_json(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["eventlog", name.removeprefix("eventlog_"), "--help"])
    assert ended.value.code == 0
    assert "--json" in capsys.readouterr().out


def test_without_a_verb_nothing_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parser(["eventlog"]).parse_args(["eventlog"])
    assert caught.value.code == 2
    assert "VERB" in capsys.readouterr().err


@pytest.mark.parametrize("name", VERBS)
def test_json_may_stand_on_either_side_of_the_verb(name: str) -> None:
    verb, rest = name.removeprefix("eventlog_"), NEEDED[name]
    root = parser(["eventlog"])
    assert root.parse_args(["eventlog", "--json", verb, *rest]).json
    assert root.parse_args(["eventlog", verb, "--json", *rest]).json
    args = root.parse_args(["eventlog", verb, *rest])
    assert not args.json
    assert args.local
