"""`ixctl plugins`."""

from __future__ import annotations

import io
import json

import pytest

from ixproxy.cli import plugins
from ixproxy.cli.main import parser
from ixproxy.cli.output import Output
from ixproxy.plugin import KINDS, Found, find_maker


def run(*argv: str) -> tuple[int, str]:
    stdout = io.StringIO()
    args = parser(["plugins"]).parse_args(["plugins", *argv])
    return args.command(args, Output(args.json, stdout)), stdout.getvalue()


BUILT_IN = {
    "routing": {"round-robin", "media-dedicated", "least-backlog", "weighted", "hash-of-id"},
    "pull": {"round-robin", "hold-override", "busiest-first"},
    "merge": {"union", "partial", "all-must-agree", "first-found"},
}


def test_all_built_in_strategies_are_listed() -> None:
    code, text = run("--json")
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        record = json.loads(line)
        found.setdefault(record["kind"], set()).add(record["name"])
    assert code == 0
    for kind, names in BUILT_IN.items():
        assert names <= found[kind]


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, names in BUILT_IN.items() for name in sorted(names)]
)
def test_every_built_in_strategy_can_be_made(kind: str, name: str) -> None:
    settings: dict[str, dict[str, object]] = {
        "weighted": {"weights": {"ixn1": 1}},
        "hash-of-id": {"nodes": ["ixn1"]},
    }
    assert find_maker(KINDS[kind], name).make(settings.get(name, {})) is not None


def test_one_kind_may_be_asked_for() -> None:
    _, text = run("merge")
    assert "first-found" in text
    assert "round-robin" not in text


def test_a_broken_one_is_shown_and_the_exit_code_is_1(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Found({}, {"twin": "two plug-ins have this name"}, ("<x>: no name",))
    monkeypatch.setattr(plugins, "search", lambda kind: found)
    code, text = run("routing")
    assert code == 1
    assert "cannot be used: two plug-ins have this name" in text
    assert "<x>: no name" in text
