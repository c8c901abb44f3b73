"""
Event logs out of their tables, and what a node's rules and server, and the makers of
the logs, are told of them.

What a maker gets (`maker_settings`):

    address             as in the file; where it is a file, an absolute path
    log-userdata        true or false
    custom-fields       and custom-events, schema-name, delivery-queue-name, delete-on-logout:
                        as in the file, and only where they are given there
"""

from __future__ import annotations

from typing import Any

from ixproxy.config_check import Fitting
from ixproxy.config_eventlog_keys import NEVER
from ixproxy.config_tables import EventLog
from ixproxy.net.log_plans import LogPacing
from ixproxy.node.log_rules import LogRules

SHORT = "log"
"""The name of the log that `event-log` makes."""


def kind_of(address: str) -> str:
    """The name of the maker of an event log."""
    return address.partition(":")[0]


def event_logs(fitting: Fitting) -> tuple[EventLog, ...]:
    """The event logs of a node, as far as its table fits."""
    address = str(fitting.values["event-log"])
    short = (EventLog(SHORT, address, short=True),) if address else ()
    return (*short, *map(_event_log, fitting.arrays.get("event-logs", [])))


def _event_log(fitting: Fitting) -> EventLog:
    values: dict[str, Any] = fitting.values
    fields, events = (fitting.tables.get(name) for name in ("custom-fields", "custom-events"))
    return EventLog(
        values["name"] or kind_of(values["address"]),
        values["address"],
        batch_size=values["batch-size"],
        storing_timeout=values["storing-timeout"],
        max_queue_size=values["max-queue-size"],
        max_queue_bytes=values["max-queue-bytes"],
        mandatory_logging=values["mandatory-logging"],
        schema_name=values["schema-name"],
        log_agent_state=values["log-agent-state"],
        log_agent_activity=values["log-agent-activity"],
        log_queue=values["log-queue"],
        log_strategy=values["log-strategy"],
        log_esp_service=values["log-esp-service"],
        log_userdata=values["log-userdata"],
        event_filter_by_id=values["event-filter-by-id"],
        custom_fields=dict(fields.rest) if fields else {},
        custom_events=dict(events.rest) if events else {},
        delivery_queue_name=values["delivery-queue-name"],
        delete_on_logout=values["delete-on-logout"],
    )


def maker_settings(log: EventLog) -> dict[str, object]:
    """What the maker of a log is told."""
    more: dict[str, object] = {
        "custom-fields": log.custom_fields,
        "custom-events": log.custom_events,
        "schema-name": log.schema_name,
        "delivery-queue-name": log.delivery_queue_name,
        "delete-on-logout": "" if log.delete_on_logout == NEVER else log.delete_on_logout,
    }
    given = {key: value for key, value in more.items() if value}
    return {"address": log.address, "log-userdata": log.log_userdata, **given}


def log_rules_of(log: EventLog) -> LogRules:
    """What the node's rules are told of an event log."""
    return LogRules(
        agent_state=log.log_agent_state,
        agent_activity=log.log_agent_activity,
        queue=log.log_queue,
        strategy=log.log_strategy,
        esp_service=log.log_esp_service,
        only=frozenset(log.event_filter_by_id),
        max_queue=log.max_queue_size,
        max_bytes=log.max_queue_bytes,
        mandatory=log.mandatory_logging,
    )


def pacing_of(log: EventLog) -> LogPacing:
    """What the node's server is told of it."""
    return LogPacing(log.batch_size, log.storing_timeout / 1000)
