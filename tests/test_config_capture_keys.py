"""Names of capture points and of notifications."""

from __future__ import annotations

import pytest

from ixproxy.config_capture_keys import NOTIFICATIONS, notification_name, point_name
from ixproxy.node.intake_work import Said


@pytest.mark.parametrize("name", ["a", "mail-in", "Mail_1", "x" * 64])
def test_good_names(name: str) -> None:
    point_name(name)


@pytest.mark.parametrize("name", ["", "1a", "-a", "a b", "é", "a.b", "a/b", "a\n", "x" * 65])
def test_bad_names(name: str) -> None:
    with pytest.raises(ValueError, match="expected a letter"):
        point_name(name)


def test_notifications_are_what_can_happen_unasked() -> None:
    for name in NOTIFICATIONS:
        notification_name(name)
    for said in (Said.SUBMITTED, Said.ERROR):
        with pytest.raises(ValueError, match="expected one of assigned"):
            notification_name(said.value)
