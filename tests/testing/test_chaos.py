"""A chaos run of one round, with real processes on this machine alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, TimeoutError

from ixproxy.testing import postgresql
from ixproxy.testing.chaos import HISTORY, REPORT, options_of, parse, report_file, run
from ixproxy.testing.chaos_scene import POSTGRESQL, SQLITE, Options

SECONDS = 300
"""When a run that does not end has failed."""


@pytest.mark.processes
@pytest.mark.parametrize("store", [SQLITE, POSTGRESQL])
@pytest_twisted.ensureDeferred
async def test_a_primary_that_hangs_costs_nothing_but_a_moment(
    tmp_path: Path, real_reactor: Any, store: str
) -> None:
    if store == POSTGRESQL and (reason := postgresql.unusable()):
        pytest.skip(reason)
    told: list[str] = []
    options = Options(
        store=store, rounds=1, seed=1, apart=False, rate=15.0, only=("freeze primary",)
    )
    running = Deferred.fromCoroutine(run(real_reactor, tmp_path, options, told.append))
    try:
        done = await running.addTimeout(SECONDS, real_reactor)
    except TimeoutError:
        pytest.fail(f"it does not end; so far: {told}")
    kept = json.loads((tmp_path / REPORT).read_text())
    # How long a takeover takes on a machine that runs other tests is no matter of right or wrong.
    wrong = {check: each for check, each in kept["wrong"].items() if each and check != "late"}
    assert wrong == {}, "\n".join(told)
    (only,) = done.rounds
    assert only.acknowledged > 10
    assert (tmp_path / HISTORY).read_text().count("RequestSubmit") > 10
    assert any("cuts, delay and loss: not asked for" in line for line in told)


def test_the_command_line_says_what_a_run_is_like() -> None:
    usual = options_of(parse([]))
    assert usual == Options()
    words = "--store postgresql --rounds 3 --seed 7 --alone --loopback --minutes 2 --rate 5"
    asked = options_of(parse([*words.split(), "--only", "kill primary"]))
    assert asked == Options(POSTGRESQL, 3, 7, None, False, 5.0, 2.0, ("kill primary",))


def test_each_store_has_a_report_of_its_own() -> None:
    asked = parse(["--json", "out/of/chaos.json"]).json
    found = {report_file(asked, store) for store in (SQLITE, POSTGRESQL)}
    assert found == {Path("out/of/chaos-sqlite.json"), Path("out/of/chaos-postgresql.json")}
    assert report_file(Path("chaos"), SQLITE) == Path("chaos-sqlite")


def test_a_fault_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--only", "earthquake"])
    assert "kill primary" in capsys.readouterr().err


@pytest.mark.parametrize("nothing", ["--rounds 0", "--minutes -1", "--rate 0"])
def test_a_run_of_nothing_is_refused(nothing: str) -> None:
    with pytest.raises(SystemExit) as refused:
        parse(nothing.split())
    assert refused.value.code == 2
