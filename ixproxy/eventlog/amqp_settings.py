"""What an event log at a message broker is told by the deployment file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ixproxy.errors import ConfigProblem
from ixproxy.eventlog.amqp_address import BrokerAddress, read_address
from ixproxy.eventlog.custom_fields import CustomField, read_fields
from ixproxy.strategies.settings import Settings

QUEUE = "ixproxy-event-log"
"""The name of the queue, where none is given."""

TABLES = ("interaction", "agent", "custom")
"""To which table an event of a client's own can belong."""

_QUEUE = re.compile(r"[\w.:~-]{1,200}", re.ASCII)


@dataclass(frozen=True, slots=True)
class AmqpLogSettings:
    """
    :ivar user_data: whether what clients attach is logged.
    :ivar custom_fields: what of the user data readers can select by.
    :ivar custom_events: custom event id to the table that it belongs to.
    """

    address: BrokerAddress
    queue: str = QUEUE
    user_data: bool = True
    custom_fields: tuple[CustomField, ...] = ()
    custom_events: Mapping[int, str] = field(default_factory=dict)


class _Keys(Settings):
    """Keys, some of which are texts or tables."""

    def text(self, key: str, default: str = "") -> str:
        value = self._ask(key, default)
        if isinstance(value, str):
            return value
        self.refuse(key, f"expected a text, not {value!r}")
        return default

    def table(self, key: str, expected: str) -> Mapping[str, object]:
        value = self._ask(key, {})
        if isinstance(value, Mapping):
            return {str(name): each for name, each in value.items()}
        self.refuse(key, f"expected a table such as {expected}")
        return {}

    def custom_fields(self) -> tuple[CustomField, ...]:
        problems: list[ConfigProblem] = []
        fields = read_fields(self._ask("custom-fields", {}), problems)
        for problem in problems:
            self.refuse(problem.key, problem.text, problem.table)
        return fields

    def yes(self, key: str, default: bool) -> bool:
        value = self._ask(key, default)
        if isinstance(value, bool):
            return value
        self.refuse(key, f"expected true or false, not {value!r}")
        return default


def read_settings(given: Mapping[str, object]) -> AmqpLogSettings:
    """
    :param given: the keys of the log's table that concern the log itself.
    :raise ixproxy.errors.ConfigError: with everything that is wrong.
    """
    keys = _Keys(given)
    settings = AmqpLogSettings(
        address=_address(keys),
        queue=_queue(keys),
        user_data=keys.yes("log-userdata", True),
        custom_fields=keys.custom_fields(),
        custom_events=_custom_events(keys),
    )
    if keys.text("schema-name"):
        keys.refuse("schema-name", "expected none: a queue has no schema")
    if keys.text("delete-on-logout", "never") not in ("", "never"):
        keys.refuse("delete-on-logout", "expected never: what is in a queue goes when it is read")
    keys.finish()
    return settings


def _address(keys: _Keys) -> BrokerAddress:
    value = keys.required("address", 'an address such as "amqp://ixproxy@broker.example"')
    if value is not None:
        try:
            return read_address(value if isinstance(value, str) else "")
        except ValueError as problem:
            keys.refuse("address", str(problem))
    return BrokerAddress(False, "", 0)


def _queue(keys: _Keys) -> str:
    name = keys.text("delivery-queue-name", QUEUE) or QUEUE
    if not _QUEUE.fullmatch(name):
        text = "expected at most 200 letters, digits and signs of . : ~ - _, not"
        keys.refuse("delivery-queue-name", f"{text} {name!r}")
    return name


def _custom_events(keys: _Keys) -> dict[int, str]:
    tables: dict[int, str] = {}
    for name, table in keys.table("custom-events", '{ 1001 = "agent" }').items():
        if not re.fullmatch(r"-?\d{1,18}", name, re.ASCII):
            keys.refuse(name, "expected the id of a custom event, a whole number", "custom-events")
        elif table not in TABLES:
            text = f"expected one of {', '.join(TABLES)}, not {table!r}"
            keys.refuse(name, text, "custom-events")
        else:
            tables[int(name)] = str(table)
    return tables
