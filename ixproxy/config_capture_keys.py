"""What the keys of a capture point's table may hold, beyond their types."""

from __future__ import annotations

import re

from ixproxy.node.intake_settings import UNSOLICITED, Check
from ixproxy.strategies.settings import did_you_mean

CHECKS = tuple(check.value for check in Check)
"""The values of `duplicate-check`."""

AT_LEAST_ONCE, AT_MOST_ONCE = "at-least-once", "at-most-once"
"""Those of `notify`."""

NOTIFICATIONS = tuple(sorted(said.value for said in UNSOLICITED))
"""What may stand in `notifications`."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")

FIELD_LENGTH = 16
"""Characters that a name has at most in the field."""


def point_name(text: str) -> None:
    """:raise ValueError: `text` is no name of a capture point."""
    if not _NAME.fullmatch(text):
        raise ValueError(
            "expected a letter, and then letters, digits, hyphens and underscores, "
            "64 characters at most"
        )


def notification_name(text: str) -> None:
    """:raise ValueError: no notification has this name."""
    if text not in NOTIFICATIONS:
        hint = did_you_mean(text, NOTIFICATIONS)
        raise ValueError(f"expected one of {', '.join(NOTIFICATIONS)}{hint}")
