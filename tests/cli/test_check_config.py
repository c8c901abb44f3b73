"""`ixctl check-config`."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from ixproxy.cli.main import parser
from ixproxy.cli.outcomes import UsageError
from ixproxy.cli.output import Output

GOOD = Path(__file__).parent.parent.parent / "examples" / "three-nodes.toml"


def run(*argv: str) -> tuple[int, str]:
    stdout = io.StringIO()
    args = parser(["check_config"]).parse_args(["check-config", *argv])
    return args.command(args, Output(args.json, stdout)), stdout.getvalue()


def records(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_good_file_is_exit_code_0() -> None:
    code, text = run(str(GOOD))
    assert code == 0
    assert "0 errors" in text


def test_every_mistake_is_shown_with_its_line_and_the_exit_code_is_2(tmp_path: Path) -> None:
    path = tmp_path / "cluster.toml"
    path.write_text('[tenants.A]\nid = "one"\n[applications.x]\ntype = "Nothing"\n')
    code, text = run(str(path), "--json")
    assert code == 2
    *found, last = records(text)
    assert last["usable"] is False
    assert last["errors"] == len([each for each in found if each["level"] == "error"]) >= 2
    assert {each["line"] for each in found} >= {2, 4}


def test_advice_counts_only_when_asked_to(tmp_path: Path) -> None:
    path = tmp_path / "cluster.toml"
    path.write_text(
        GOOD.read_text().replace('backup = "ixn3-b"\n', "").split("[applications.ixn3-b]")[0]
        + "[applications.ixn-cluster]"
        + GOOD.read_text().split("[applications.ixn-cluster]")[1]
    )
    code, text = run(str(path), "--json")
    assert code == 0
    assert records(text)[-1]["advice"] >= 1
    assert run(str(path), "--strict")[0] == 2


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing-here"):
        run(str(tmp_path / "nothing-here"))
