"""Event logs and capture points, beyond the cases."""

from __future__ import annotations

import pytest

from tests.config_cases import GOOD, put
from tests.deployments import found
from tests.test_config_advice import said

POINT = """
[[applications.{0}.capture]]
name = "mail"
use = "{1}"
inbound-path = "{2}"
"""


@pytest.mark.parametrize("second", ["sqlite:/srv/log.db", "sqlite:/srv/other.db"])
def test_one_event_log_for_all_and_one_for_each_are_both_right(second: str) -> None:
    text = put(GOOD, "applications.ixn1", 'event-log = "sqlite:/srv/log.db"')
    assert said(put(text, "applications.ixn2", f'event-log = "{second}"')) == []


def test_capture_points_of_two_nodes_may_have_one_name() -> None:
    text = GOOD + POINT.format("ixn1", "file", "/a") + POINT.format("ixn2", "file", "/b")
    assert found(text) == []
    assert said(text) == []


def test_only_files_are_watched_twice() -> None:
    text = GOOD + POINT.format("ixn1", "jms", "/a") + POINT.format("ixn2", "jms", "/a")
    assert said(text) == []
