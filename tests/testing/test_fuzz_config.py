from __future__ import annotations

import random

import pytest

from ixproxy.config import check
from ixproxy.testing import fuzz_config
from ixproxy.testing.fuzz_config import fuzz_deployments, mutated
from tests.deployments import EVERYTHING, EXAMPLE, SMALL

CORPUS = (EXAMPLE.read_text(), EVERYTHING, SMALL)


def test_ten_thousand_mutated_files_each_give_a_clear_report() -> None:
    outcome = fuzz_deployments(CORPUS, seed=1, count=10_000)
    assert outcome.files == 10_000
    # Not all of them stop at the first bracket, and not all of them are mistakes.
    assert outcome.broken < 5_000
    assert 100 < outcome.right < 5_000
    assert len(outcome.texts) > 300


def test_a_seed_gives_the_same_files_again() -> None:
    files = [
        [mutated(SMALL, random.Random(f"{seed}/{number}")) for number in range(20)]
        for seed in (1, 1, 2)
    ]
    assert files[0] == files[1] != files[2]
    assert len({*files[0]} - {SMALL}) > 15


def test_an_exception_names_the_file_that_raised_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(text: str, **_: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(fuzz_config, "check", broken)
    with pytest.raises(AssertionError, match=r"seed 7, file 0: ZeroDivisionError\('oops'\)"):
        fuzz_deployments([SMALL], seed=7, count=1)


def test_a_report_that_helps_nobody_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    report = check(SMALL.replace("id = 1", "id = 0"))
    problem = report.errors[0]
    for worse in (
        [problem._replace(text="")],
        [problem._replace(text="two\nlines")],
        [problem._replace(line=10**6)],
        [],
    ):
        spoilt = type(report)(tuple(worse), (), None)
        monkeypatch.setattr(fuzz_config, "check", lambda text, spoilt=spoilt, **_: spoilt)
        with pytest.raises(AssertionError, match="seed 7, file 0"):
            fuzz_deployments([SMALL], seed=7, count=1)
