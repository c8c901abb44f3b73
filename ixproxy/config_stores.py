"""Event logs that get in the way of stores, and of one another."""

from __future__ import annotations

from ixproxy.config_rules import Case, Rule


def _event_logs_stand_apart_from_stores(case: Case) -> None:
    stores = {node.store: node.name for node in case.deployment.nodes()}
    for node in case.deployment.nodes():
        owner = stores.get(node.event_log)
        if node.event_log and owner:
            text = f'"{owner}" keeps its state there; an event log has a database of its own'
            case.error(node.name, "event-log", text)


def _event_logs_are_shared_by_all_nodes_or_none(case: Case) -> None:
    first: dict[str, str] = {}
    shared: dict[str, str] = {}
    for node in case.deployment.nodes():
        if node.event_log and first.setdefault(node.event_log, node.name) != node.name:
            shared[node.name] = first[node.event_log]
    if shared and len(first) > 1:
        for name, other in shared.items():
            text = (
                "the guide has one event log for all nodes, or one for each: this one is"
                f' "{other}"\'s too, and not that of all'
            )
            case.advise(name, "event-log", text)


RULES: tuple[Rule, ...] = (_event_logs_stand_apart_from_stores,)
ADVICE: tuple[Rule, ...] = (_event_logs_are_shared_by_all_nodes_or_none,)
