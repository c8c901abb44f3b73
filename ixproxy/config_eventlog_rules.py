"""What event logs must keep beside the rest of a deployment, and what the guide advises."""

from __future__ import annotations

from collections.abc import Iterator

from ixproxy.addresses import connect_address, loopback
from ixproxy.config_eventlog import kind_of
from ixproxy.config_eventlog_keys import AT_FIRST
from ixproxy.config_lines import Path
from ixproxy.config_rules import Case, Rule
from ixproxy.config_tables import EventLog, NodeApplication
from ixproxy.eventlog.addresses import SQLITE, database_of, place_of
from ixproxy.eventlog.custom_fields import TYPES, CustomField, read_fields

_TABLES = ("sqlite", "postgresql")
"""Kinds of logs that are databases."""

_DELETION = "delete-on-logout"


def logs_of(case: Case) -> Iterator[tuple[NodeApplication, Path, str, EventLog]]:
    """Every event log with its node, the path of its table, and the key of its address."""
    for node in case.deployment.nodes():
        mine: Path = ("applications", node.name)
        short = [log for log in node.event_logs if log.short]
        for place, log in enumerate(node.event_logs):
            if log.short:
                yield node, mine, "event-log", log
            else:
                yield node, (*mine, "event-logs", place - len(short)), "address", log


def _names_are_their_own(case: Case) -> None:
    seen: set[tuple[str, str]] = set()
    for node, path, _, log in logs_of(case):
        if log.name and (node.name, log.name) in seen:
            text = f'another event log of this node is named "{log.name}" already'
            case.findings.error(path, "name", text)
        seen.add((node.name, log.name))


def _addresses_are_their_own(case: Case) -> None:
    seen: set[tuple[str, ...]] = set()
    for node, path, key, log in logs_of(case):
        place = (node.name, *place_of(log.address, log.schema_name), log.delivery_queue_name)
        if log.address and place in seen:
            text = "another event log of this node is there already"
            case.findings.error(path, key, text)
        seen.add(place)


def _logs_stand_apart_from_stores(case: Case) -> None:
    stores = {database_of(node.store): node.name for node in case.deployment.nodes()}
    for _, path, key, log in logs_of(case):
        owner = stores.get(database_of(log.address))
        if log.address and owner:
            text = f'"{owner}" keeps its state there; an event log has a database of its own'
            case.findings.error(path, key, text)


def _filters_leave_something(case: Case) -> None:
    for _, path, _, log in logs_of(case):
        classes = (log.log_agent_state, log.log_agent_activity, log.log_queue, log.log_strategy)
        if log.event_filter_by_id and not any(classes) and not log.log_esp_service:
            text = "all classes of events are switched off: few of these can be logged, or none"
            case.findings.warning(path, "event-filter-by-id", text)


def _logs_are_shared_by_all_nodes_or_none(case: Case) -> None:
    first: dict[tuple[str, ...], str] = {}
    shared: dict[tuple[Path, str], str] = {}
    for node, path, key, log in logs_of(case):
        if kind_of(log.address) not in _TABLES:
            continue
        owner = first.setdefault(place_of(log.address, log.schema_name), node.name)
        if owner != node.name:
            shared[path, key] = owner
    if shared and len(first) > 1:
        for (path, key), other in shared.items():
            text = (
                "the guide has one event log for all nodes, or one for each: this one is"
                f' "{other}"\'s too, and not that of all'
            )
            case.findings.warning(path, key, text)


Shared = tuple[str, EventLog, Path, str]
"""The node of a shared log, the log as that node has it, and what `logs_of` says of its place."""


def _shared(case: Case) -> Iterator[list[Shared]]:
    """The logs in tables that several nodes have, each with all these nodes."""
    there: dict[tuple[str, ...], list[Shared]] = {}
    for node, path, key, log in logs_of(case):
        kind = kind_of(log.address)
        if kind in _TABLES:
            # A path on another host is another file.
            host = _host(node) if kind == SQLITE else ""
            place = (host, *place_of(log.address, log.schema_name))
            there.setdefault(place, []).append((node.name, log, path, key))
    for logs in there.values():
        if len({name for name, *_ in logs}) > 1:
            yield logs


def _host(node: NodeApplication) -> str:
    """The host that a node is on, as far as its endpoint says; "": this one."""
    address = connect_address(node.endpoint) if node.endpoint else None
    return "" if address is None or loopback(address) else address.host.lower()


def _fields_again(case: Case) -> Iterator[tuple[Path, CustomField, str, CustomField]]:
    """
    Columns of shared logs that an earlier node has, too.

    Each with the path of its table, and with that node and what the column is there.
    """
    for logs in _shared(case):
        first: dict[str, tuple[str, CustomField]] = {}
        for name, log, path, _ in logs:
            # What is wrong with a field is said by the log itself.
            for field in read_fields(log.custom_fields, []):
                other, earlier = first.setdefault(field.name, (name, field))
                if earlier != field:
                    yield (*path, "custom-fields"), field, other, earlier


def _columns_of_shared_logs_have_one_type(case: Case) -> None:
    for path, field, other, earlier in _fields_again(case):
        if TYPES[field.type] != TYPES[earlier.type]:
            text = (
                f'"{other}" has the column {field.column} of this log as {earlier.type}, not'
                f" {field.type}: whichever node begins later could store nothing"
            )
            case.findings.error(path, field.name, text)


def _columns_of_shared_logs_have_one_meaning(case: Case) -> None:
    for path, field, other, earlier in _fields_again(case):
        if field.key != earlier.key:
            text = (
                f'"{other}" fills the column {field.column} of this log from "{earlier.key}",'
                f' not "{field.key}": whoever reads it cannot tell them apart'
            )
            case.findings.warning(path, field.name, text)
        elif field.type != earlier.type:
            text = (
                f'"{other}" has the column {field.column} of this log as {earlier.type}, not'
                f" {field.type}: both are numbers, and whoever reads them cannot tell them apart"
            )
            case.findings.warning(path, field.name, text)


def _shared_logs_have_one_deletion(case: Case) -> None:
    for logs in _shared(case):
        other, first, *_ = logs[0]
        for _, log, path, key in logs[1:]:
            if log.delete_on_logout != first.delete_on_logout:
                text = (
                    f'"{other}" has {first.delete_on_logout} for this log, not'
                    f" {log.delete_on_logout}: the node that begins last would say what holds"
                )
                case.findings.error(path, key if log.short else _DELETION, text)


def _first_logouts_delete_nothing_of_other_nodes(case: Case) -> None:
    for logs in _shared(case):
        (other, *_), (_, log, path, _) = logs[:2]
        if log.delete_on_logout == AT_FIRST:
            text = (
                f"this log is \"{other}\"'s, too, and an agent's first logout deletes what all"
                " nodes wrote of the agent, who may be logged in on others still:"
                " after-last-logout waits for them, and only never keeps what a merge needs"
            )
            case.findings.warning(path, _DELETION, text)


RULES: tuple[Rule, ...] = (
    _names_are_their_own,
    _addresses_are_their_own,
    _logs_stand_apart_from_stores,
    _columns_of_shared_logs_have_one_type,
    _shared_logs_have_one_deletion,
)
ADVICE: tuple[Rule, ...] = (
    _filters_leave_something,
    _logs_are_shared_by_all_nodes_or_none,
    _columns_of_shared_logs_have_one_meaning,
    _first_logouts_delete_nothing_of_other_nodes,
)
