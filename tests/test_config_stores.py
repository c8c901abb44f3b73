"""Event logs, beyond the cases."""

from __future__ import annotations

import pytest

from tests.config_cases import GOOD, put
from tests.test_config_advice import said


@pytest.mark.parametrize("second", ["sqlite:/srv/log.db", "sqlite:/srv/other.db"])
def test_one_event_log_for_all_and_one_for_each_are_both_right(second: str) -> None:
    text = put(GOOD, "applications.ixn1", 'event-log = "sqlite:/srv/log.db"')
    assert said(put(text, "applications.ixn2", f'event-log = "{second}"')) == []
