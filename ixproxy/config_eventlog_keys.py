"""What the keys of an event log's table may hold, beyond their types."""

from __future__ import annotations

import re

from ixproxy.config_keys import store_text
from ixproxy.config_store_address import POSTGRESQL
from ixproxy.eventlog.addresses import SCHEMA_NAME
from ixproxy.node.log_rules import NAMES
from ixproxy.strategies.settings import did_you_mean

NEVER, AT_FIRST, AFTER_LAST = "never", "at-first-logout", "after-last-logout"
DELETIONS = (NEVER, AT_FIRST, AFTER_LAST)
"""The values of `delete-on-logout`."""

_SCHEMA = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")


def event_name(text: str) -> None:
    """:raise ValueError: no event that is logged has this name."""
    if text not in NAMES:
        hint = did_you_mean(text, NAMES)
        raise ValueError(f"expected the name of an event that is logged{hint}")


def schema_name(text: str) -> None:
    """:raise ValueError: `text` is no name of a schema that need not be quoted."""
    if not _SCHEMA.fullmatch(text):
        raise ValueError("expected letters, digits and underscores, not a digit first, 63 at most")


def log_text(text: str) -> None:
    """:raise ValueError: `text` is no address of an event log, or it names a schema."""
    names = [each.partition("=")[0] for each in text.partition("?")[2].split("&")]
    if text.startswith(POSTGRESQL) and SCHEMA_NAME in names:
        raise ValueError(f"the schema is no part of it, but the key {SCHEMA_NAME} of event-logs")
    store_text(text)
