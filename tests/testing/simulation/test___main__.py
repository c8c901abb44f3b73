from __future__ import annotations

import json
import shlex
from collections.abc import Iterator

import pytest

from ixproxy.node import submitting
from ixproxy.testing.postgresql import SUPERUSER, PostgresqlServer
from ixproxy.testing.simulation.__main__ import main
from tests.failures import LoggedFailures


def test_one_seed_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seed", "3", "--steps", "20"]) == 0
    out = capsys.readouterr().out
    assert "asks Request" in out
    assert out.rstrip().endswith("no rule is broken")


def test_some_of_its_steps_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seed", "3", "--steps", "20", "--only", "2,5"]) == 0
    assert "2 steps" in capsys.readouterr().out


@pytest.mark.parametrize("which", [["--seed", "3"], ["--seeds", "3:5"]])
def test_they_can_run_on_a_server_of_postgresql(
    which: list[str], postgresql_server: PostgresqlServer, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = postgresql_server.address("postgres", SUPERUSER)
    assert main([*which, "--steps", "3", "--store", "postgresql", "--postgresql", uri]) == 0
    assert "3 steps" in capsys.readouterr().out


@pytest.mark.parametrize("which", [["--seed", "3"], ["--seeds", "3:5"]])
def test_nodes_may_have_event_logs(which: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*which, "--steps", "10", "--logs"]) == 0
    assert "10 steps" in capsys.readouterr().out


def test_many_seeds_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "3:6", "--steps", "3"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("3 seeds of 3 steps in")
    assert out.rstrip().endswith("0 failing")


def test_programs_can_read_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "3:6", "--steps", "3", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["seed"] for line in lines] == [3, 4, 5]


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch, logged_failures: LoggedFailures) -> Iterator[None]:
    """No node can place a submit."""

    def failing(*_: object) -> None:
        raise ValueError("on purpose")

    monkeypatch.setattr(submitting, "_destination", failing)
    yield
    logged_failures.flush()


SEED_3 = "python -m ixproxy.testing.simulation --seed 3 --steps 30"


@pytest.mark.usefixtures("broken")
def test_the_first_of_many_that_is_broken_is_told_with_its_shortest_history(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--seeds", "3:9", "--steps", "30", "--first"]) == 1
    out = capsys.readouterr().out
    assert "BROKEN nothing_fails_in_a_program" in out
    assert f"Again: {SEED_3} --only" in out
    assert "1 failing: 3" in out


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize("which", [["--seed", "3"], ["--seeds", "3:4"]])
def test_it_is_told_whole_where_that_is_asked_for(
    which: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*which, "--steps", "30"]) == 1
    short = capsys.readouterr()
    assert "nothing_fails_in_a_program after 30 steps: looking for a shorter history" in short.err
    assert f"Whole: {SEED_3} --no-shrink\nAgain: {SEED_3} --only" in short.out
    assert main([*which, "--steps", "30", "--no-shrink"]) == 1
    whole = capsys.readouterr()
    assert whole.err.count("looking for") == 0
    assert "\n30 steps, " in whole.out
    assert f"\nAgain: {SEED_3} --no-shrink\n" in whole.out
    assert len(whole.out) > len(short.out)


@pytest.mark.usefixtures("broken")
def test_what_is_run_again_is_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seed", "3", "--steps", "30"]) == 1
    first = capsys.readouterr().out
    again = shlex.split(first[first.index("Again: ") :])[4:]
    assert again[0] == "--seed"
    assert main(again) == 1
    second = capsys.readouterr()
    assert (second.out, second.err) == (first, "")
    assert main([*again, "--shrink"]) == 1
    third = capsys.readouterr()
    assert third.out == first
    assert "looking for a shorter history" in third.err


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("--seeds x", "--seeds: expected A:B or one seed"),
        ("--seeds 5:1", "--seeds: there are no seeds in '5:1'"),
        ("--seed 1 --only a", "--only: expected numbers"),
        ("--seed 1 --only 2,400", "--only: there is no step 400: --steps is 300"),
        ("--seed 1 --steps 5 --only 6", "--only: there is no step 6: --steps is 5"),
        ("--seed 1 --only 0", "--only: there is no step 0"),
        ("--seeds 1:3 --only 2", "--only: it is of one seed"),
        ("--seed 1 --steps -3", "--steps: expected a number from 1 on"),
        ("--seeds 1:3 --jobs 0", "--jobs: expected a number from 1 on"),
        ("--seed 1 --attempts 0", "--attempts: expected a number from 1 on"),
        ("", "one of the arguments --seed --seeds is required"),
    ],
)
def test_what_is_not_understood_or_would_run_nothing_is_refused(
    wrong: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(wrong.split())
    assert ended.value.code == 2
    assert why in capsys.readouterr().err


@pytest.mark.parametrize("which", ["--seed 1", "--seeds 1:3", "--seeds 1:3 --jobs 2"])
def test_a_server_that_is_not_there_is_told_in_one_line(
    which: str, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = "--store postgresql --postgresql postgresql://127.0.0.1:1/x"
    assert main([*which.split(), *nowhere.split()]) == 2
    said = capsys.readouterr()
    (line,) = said.err.splitlines()
    assert line.startswith("the PostgreSQL server cannot be used: ")
    assert said.out == ""
