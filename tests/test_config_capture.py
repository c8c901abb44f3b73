"""Capture points out of the file: what the node serves, and what goes to their makers."""

from __future__ import annotations

from dataclasses import fields

from ixproxy.config import load
from ixproxy.config_capture import PASSED_ON, defaults_of, limits_of, rules_of
from ixproxy.config_schema import CAPTURE
from ixproxy.config_tables import CapturePoint
from ixproxy.net.capture_plans import CaptureLimits
from ixproxy.node.intake_settings import FIELD_DEFAULTS, UNSOLICITED, CaptureRules, Check
from ixproxy.node.intake_work import Said
from tests.config_cases import GOOD

FULL = """
[[applications.ixn1.capture]]
name = "mail"
use = "file"
tenant = "Environment"
queue = "Inbound"
duplicate-check = "external-id"
notify = "at-most-once"
notifications = "stopped, changed"
receipt-retention = 48
max-document-size = 2048
max-operations = 7
max-rate = 50
max-in-flight = 9
max-outbox = 1000
inbound-transformation = "in.xsl"
inbound-path = "/in"
error-path = "/bad"
default-values = { MediaType = "email", Origin = "mail" }
"""
BARE = """
[[applications.ixn1.capture]]
name = "mail"
use = "file"
inbound-path = "/in"
error-path = "/bad"
"""


def ignoring(kind: str, name: str, settings: object) -> None:
    """Every plug-in is there."""


def point(text: str) -> CapturePoint:
    (found,) = load(GOOD + text, try_maker=ignoring).node("ixn1").capture
    return found


def test_what_the_node_serves_stays_and_what_else_stands_there_goes_on() -> None:
    found = point(FULL)
    assert found.chosen.settings == {
        "inbound-path": "/in", "error-path": "/bad", "max-document-size": 2048,
        "inbound-transformation": "in.xsl",
    }  # fmt: skip
    deployment = load(GOOD + FULL, try_maker=ignoring)
    assert rules_of(deployment, found) == CaptureRules(
        tenants=frozenset({1}),
        defaults={**FIELD_DEFAULTS, "Queue": "Inbound", "MediaType": "email", "Origin": "mail"},
        check=Check.EXTERNAL_ID,
        wanted=frozenset({Said.STOPPED, Said.CHANGED}),
        receipt_retention=48.0,
        max_outbox=1000,
    )
    limits = limits_of(found)
    assert (limits.max_in_flight, limits.max_operations, limits.max_rate) == (9, 7, 50.0)
    assert limits.tell_once


def test_defaults_of_the_file_are_those_of_the_rules() -> None:
    found = point(BARE)
    assert found.chosen.settings == {"inbound-path": "/in", "error-path": "/bad"}
    deployment = load(GOOD + BARE, try_maker=ignoring)
    assert rules_of(deployment, found) == CaptureRules()
    assert limits_of(found) == CaptureLimits()
    assert found == CapturePoint("mail", found.chosen)


def test_a_notification_is_told_once_at_most_unless_that_is_asked_for() -> None:
    assert limits_of(point(BARE)).tell_once
    assert not limits_of(point(BARE + 'notify = "at-least-once"\n')).tell_once


def test_it_is_told_only_what_it_can_be_told() -> None:
    deployment = load(GOOD + FULL, try_maker=ignoring)
    able = frozenset({Said.STOPPED, Said.HELD, Said.SUBMITTED})
    assert rules_of(deployment, point(FULL), able).wanted == {Said.STOPPED}
    assert rules_of(deployment, point(BARE), able).wanted == {Said.STOPPED, Said.HELD}
    assert rules_of(deployment, point(BARE)).wanted == UNSOLICITED


def test_an_empty_list_of_notifications_wants_none() -> None:
    text = BARE + "notifications = []\n"
    deployment = load(GOOD + text, try_maker=ignoring)
    assert rules_of(deployment, point(text)).wanted == frozenset()


def test_the_fields_defaults_stand_under_those_of_the_file() -> None:
    assert defaults_of(point(BARE)) == FIELD_DEFAULTS


def test_every_key_of_the_schema_is_used() -> None:
    kept = {each.name.replace("_", "-") for each in fields(CapturePoint)} - {"chosen", "defaults"}
    assert set(CAPTURE.keys) == {*kept, "use", *PASSED_ON}
