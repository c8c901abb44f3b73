"""A failing seed is made short."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pytest

from ixproxy.node import submitting
from ixproxy.testing.simulation import Result, shortened, shortening, simulate
from ixproxy.testing.simulation.history import Breach

STEPS = 150


@pytest.fixture(scope="module")
def failing() -> Result:
    """A seed that fails because a node forgets the receipts that it gave."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(submitting, "_repeated", lambda turn, sender, key: None)
        for seed in range(3, 200):
            result = simulate(seed, STEPS)
            if result.breach is not None:
                return result
    pytest.fail("no seed finds it")


def test_a_planted_fault_is_found(failing: Result) -> None:
    assert failing.breach is not None
    assert failing.breach.rule == "a_submit_makes_one_interaction"


def test_its_history_becomes_short(failing: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submitting, "_repeated", lambda turn, sender, key: None)
    told: list[tuple[int, int]] = []
    short = shortened(failing, progress=lambda steps, attempt: told.append((steps, attempt)))
    assert short.breach is not None
    assert short.breach.rule == "a_submit_makes_one_interaction"
    assert len(short.ran) <= 6
    assert told[-1][0] == len(short.ran)
    again = simulate(failing.seed, STEPS, only=short.ran)
    assert again == short


def test_a_number_of_attempts_is_enough(failing: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submitting, "_repeated", lambda turn, sender, key: None)
    told: list[tuple[int, int]] = []
    shortened(failing, attempts=3, progress=lambda steps, attempt: told.append((steps, attempt)))
    assert all(attempt <= 3 for _, attempt in told)


def test_where_no_rule_is_broken_nothing_is_left_out() -> None:
    result = simulate(3, 5)
    assert shortened(result) is result


def test_one_step_stays_where_none_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails_anyway(seed: int, steps: int, only: Collection[int], **_: object) -> Result:
        return replace(whole, ran=tuple(sorted(only)))

    whole = replace(simulate(3, 5), breach=Breach("a_rule", "on purpose", 0.0, 0))
    monkeypatch.setattr(shortening, "simulate", fails_anyway)
    (left,) = shortened(whole).ran
    assert left in range(1, 6)
