"""What nodes write and take in: event logs and capture points that get in one another's way."""

from __future__ import annotations

from ixproxy.config_rules import Case, Rule


def _event_logs_stand_apart_from_stores(case: Case) -> None:
    stores = {node.store: node.name for node in case.deployment.nodes()}
    for node in case.deployment.nodes():
        owner = stores.get(node.event_log)
        if node.event_log and owner:
            text = f'"{owner}" keeps its state there; an event log has a database of its own'
            case.error(node.name, "event-log", text)


def _capture_points_have_names_of_their_own(case: Case) -> None:
    for node in case.deployment.nodes():
        seen: set[str] = set()
        for place, point in enumerate(node.capture):
            if point.name and point.name in seen:
                path = ("applications", node.name, "capture", place)
                text = f'another capture point of this node is named "{point.name}" already'
                case.findings.error(path, "name", text)
            seen.add(point.name)


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


def _capture_points_watch_directories_of_their_own(case: Case) -> None:
    seen: dict[object, str] = {}
    for node in case.deployment.nodes():
        for place, point in enumerate(node.capture):
            watched = point.chosen.settings.get("inbound-path")
            if point.chosen.use != "file" or not isinstance(watched, str):
                continue
            if (other := seen.setdefault(watched, node.name)) != node.name:
                path = ("applications", node.name, "capture", place)
                text = (
                    f'the guide has file capture points watch different directories, and "{other}"'
                    " watches this one already"
                )
                case.findings.warning(path, "inbound-path", text)


RULES: tuple[Rule, ...] = (
    _event_logs_stand_apart_from_stores,
    _capture_points_have_names_of_their_own,
)
ADVICE: tuple[Rule, ...] = (
    _event_logs_are_shared_by_all_nodes_or_none,
    _capture_points_watch_directories_of_their_own,
)
