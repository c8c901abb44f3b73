from __future__ import annotations

from http import HTTPStatus

import pytest

from ixproxy.capture.web_statuses import RETRY_SECONDS, Status, status_of
from ixproxy.errors import ERRORS, Code, Outcome


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_every_code_has_a_status_that_is_an_error(code: int) -> None:
    status = status_of(code)
    assert HTTPStatus(status.code).value >= 400
    assert bool(status.retry) == (status.code == 503)


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_what_may_have_been_done_is_asked_again_only_with_a_receipt(code: int) -> None:
    if ERRORS[code].outcome is Outcome.IN_DOUBT:
        assert status_of(code).code == 500
        assert status_of(code, receipt="r").code == 503


@pytest.mark.parametrize("code", sorted(RETRY_SECONDS))
def test_only_what_was_surely_not_done_is_worth_trying_again(code: int) -> None:
    assert ERRORS[code].outcome is Outcome.NOTHING_DONE


def test_who_knows_better_than_the_code_is_believed() -> None:
    assert status_of(Code.BUSY, uncertain=True) == Status(500)
    assert status_of(Code.STORE_UNCERTAIN, uncertain=False).code == 422


def test_an_unknown_code_is_the_request_s_fault() -> None:
    assert status_of(3999) == Status(422)


def test_when_to_ask_again_is_a_header() -> None:
    assert status_of(Code.BUSY).headers == (("Retry-After", "1"),)
    assert status_of(Code.LOCKED).headers == ()
