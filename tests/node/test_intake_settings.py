"""What rules know of a capture point, where nobody says otherwise."""

from __future__ import annotations

from ixproxy.node.intake_settings import (
    FIELD_DEFAULTS,
    UNSOLICITED,
    CaptureRules,
    Check,
    session_of,
)
from ixproxy.node.intake_work import Said


def test_a_submit_is_as_in_the_field_unless_it_says_otherwise() -> None:
    rules = CaptureRules()
    assert rules.defaults == FIELD_DEFAULTS
    assert rules.defaults is not CaptureRules().defaults
    assert rules.check is Check.RECEIPT
    assert rules.receipt_retention == 24


def test_replies_are_never_unsolicited() -> None:
    assert UNSOLICITED.isdisjoint({Said.SUBMITTED, Said.INFO, Said.PONG, Said.ERROR})
    assert CaptureRules().wanted == UNSOLICITED


def test_no_client_has_the_session_of_a_capture_point() -> None:
    assert len(session_of("")) > 16
    assert session_of("a") != session_of("b")
