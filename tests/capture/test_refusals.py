"""Which refusals of a document mean another time, and which the error place."""

from __future__ import annotations

import pytest

from ixproxy.capture.refusals import MOST_ATTEMPTS, Fate, fate, problem_of
from ixproxy.errors import ERRORS, Code, RequestRefused
from ixproxy.node.intake_work import Problem


@pytest.mark.parametrize(
    "code", [Code.BUSY, Code.STOPPING, Code.STORE_FAILED, Code.STORE_UNCERTAIN]
)
def test_what_is_the_nodes_matter_is_tried_for_ever(code: int) -> None:
    assert fate(RequestRefused(code), 1000) is Fate.LATER


@pytest.mark.parametrize("code", [Code.TOO_LARGE, Code.BAD_ATTRIBUTE, Code.UNKNOWN_QUEUE])
def test_what_is_the_documents_fault_is_tried_once(code: int) -> None:
    assert fate(RequestRefused(code), 1) is Fate.NEVER


@pytest.mark.parametrize("problem", [RequestRefused(Code.INTERNAL), KeyError("x")])
def test_what_breaks_is_tried_a_few_times(problem: Exception) -> None:
    fates = [fate(problem, attempts) for attempts in range(1, MOST_ATTEMPTS + 1)]
    assert fates == [Fate.LATER] * (MOST_ATTEMPTS - 1) + [Fate.NEVER]
    assert problem_of(problem).code == Code.INTERNAL


def test_a_problem_says_its_code_once() -> None:
    assert problem_of(RequestRefused(Code.TOO_LARGE, "too many")) == Problem(3003, "too many")
    assert problem_of(ValueError("x is wrong")) == Problem(Code.INTERNAL, "x is wrong")


def test_what_is_in_doubt_is_never_given_up_at_once() -> None:
    for code in ERRORS:
        assert fate(RequestRefused(code, in_doubt=True), 1) is Fate.LATER
