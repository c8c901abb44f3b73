"""What a log in tables is told in the deployment file."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from ixproxy.errors import ConfigError, ConfigProblem
from ixproxy.eventlog.custom_fields import CustomField, read_fields
from ixproxy.eventlog.schemas import AGENT, CUSTOM, INTERACTION

KEYS = ("address", "custom-fields", "custom-events", "log-userdata", "delete-on-logout")
TABLES = {"interaction": INTERACTION, "agent": AGENT, "custom": CUSTOM}
"""Where custom events may go, by the words of the deployment file."""

_ELSEWHERE = {
    "schema-name": "only a log in PostgreSQL has a schema",
    "delivery-queue-name": "only a log at a message broker has a queue",
}
"""Keys of other event logs, with what is said of them here."""


class Deleting(Enum):
    """
    When the rows of an agent are deleted.

    NEVER; AT_FIRST: with the first logout, whichever node it is of; AFTER_LAST: once
    no node has the agent's session open.
    """

    NEVER = "never"
    AT_FIRST = "at-first-logout"
    AFTER_LAST = "after-last-logout"


class TableSettings(NamedTuple):
    """
    What all logs in tables have.

    `custom_events`: custom event id to a table. `schema_name`: of PostgreSQL; "": the
    first one that the role has.
    """

    address: str
    fields: tuple[CustomField, ...] = ()
    custom_events: Mapping[int, str] = {}
    log_userdata: bool = True
    deleting: Deleting = Deleting.NEVER
    schema_name: str = ""


def read_settings(settings: Mapping[str, object], *more: str) -> TableSettings:
    """
    :param settings: a table of `event-logs`, without what the node itself serves.
    :param more: keys that there may be beside KEYS.
    :raise ConfigError: all that is wrong with it.
    """
    problems: list[ConfigProblem] = []
    for key in sorted(set(settings) - {*KEYS, *more}):
        problems.append(ConfigProblem("", key, _ELSEWHERE.get(key, "unknown key")))
    address = settings.get("address", "")
    if not isinstance(address, str):
        problems.append(ConfigProblem("", "address", f"expected a text, not {address!r}"))
        address = ""
    userdata = settings.get("log-userdata", True)
    if not isinstance(userdata, bool):
        text = f"expected true or false, not {userdata!r}"
        problems.append(ConfigProblem("", "log-userdata", text))
    schema_name = settings.get("schema-name", "")
    if not isinstance(schema_name, str) or "\0" in schema_name:
        text = f"expected the name of a schema, not {schema_name!r}"
        problems.append(ConfigProblem("", "schema-name", text))
    said = settings.get("delete-on-logout", Deleting.NEVER.value)
    deleting = Deleting.NEVER
    if said in [each.value for each in Deleting]:
        deleting = Deleting(said)
    else:
        expected = ", ".join(each.value for each in Deleting)
        text = f"expected one of {expected}, not {said!r}"
        problems.append(ConfigProblem("", "delete-on-logout", text))
    fields = read_fields(settings.get("custom-fields", {}), problems)
    events = _read_events(settings.get("custom-events", {}), problems)
    if problems:
        raise ConfigError(problems)
    return TableSettings(address, fields, events, bool(userdata), deleting, str(schema_name))


def _read_events(value: object, problems: list[ConfigProblem]) -> dict[int, str]:
    where = "custom-events"
    if not isinstance(value, Mapping):
        problems.append(ConfigProblem("", where, f"expected a table, not {value!r}"))
        return {}
    events: dict[int, str] = {}
    for key, said in value.items():
        text = str(key)
        if not text.isdecimal() or not text.isascii() or len(text) > 19:
            text = "expected the id of a custom event, a whole number from 0"
            problems.append(ConfigProblem(where, str(key), text))
        elif not isinstance(said, str) or said not in TABLES:
            text = f"expected one of {', '.join(TABLES)}, not {said!r}"
            problems.append(ConfigProblem(where, str(key), text))
        else:
            events[int(text)] = TABLES[said]
    return events
