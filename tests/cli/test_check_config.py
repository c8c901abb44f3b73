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
    assert text == f"{GOOD}: no errors, no warnings; usable: 10 applications\n"


def test_every_mistake_is_shown_with_its_line_and_the_exit_code_is_2(tmp_path: Path) -> None:
    path = tmp_path / "cluster.toml"
    path.write_text('[tenants.A]\nid = "one"\n[applications.x]\ntype = "Nothing"\n')
    code, text = run(str(path), "--json")
    assert code == 2
    *found, last = records(text)
    assert last["usable"] is False
    assert last["errors"] == len([each for each in found if each["level"] == "error"]) >= 2
    assert {each["line"] for each in found} >= {2, 4}


def test_warnings_count_only_when_asked_to(tmp_path: Path) -> None:
    path = tmp_path / "cluster.toml"
    path.write_text(
        GOOD.read_text().replace('backup = "ixn3-b"\n', "").split("[applications.ixn3-b]")[0]
        + "[applications.ixn-cluster]"
        + GOOD.read_text().split("[applications.ixn-cluster]")[1]
    )
    code, text = run(str(path), "--json")
    assert code == 0
    assert records(text)[-1]["warnings"] >= 1
    assert {each["level"] for each in records(text)[:-1]} == {"warning"}
    assert run(str(path), "--strict")[0] == 2


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing-here"):
        run(str(tmp_path / "nothing-here"))


def test_errors_come_before_warnings_and_both_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "cluster.toml"
    path.write_text(
        GOOD.read_text()
        .replace("AND priority > 5", "AND _age() > 60")
        .replace("dbid = 101", "dbid = 0")
        .replace("dbid = 103", "dbid = 0")
    )
    code, text = run(str(path))
    *found, last = text.splitlines()
    assert code == 2
    assert [line.split(": ")[1] for line in found] == ["error", "error", "warning"]
    lines = [int(line.split(":")[1]) for line in found]
    assert lines[0] < lines[1]
    assert lines[2] < lines[0]
    assert all(line.startswith(f"{path}:") for line in found)
    assert last == f"{path}: 2 errors, 1 warning; not usable"


def test_bytes_that_are_no_text_are_a_usage_error(tmp_path: Path) -> None:
    path = tmp_path / "cluster.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="expected UTF-8"):
        run(str(path))
    with pytest.raises(UsageError, match="cannot be read"):
        run(str(tmp_path))
