"""
What differs between two readings of a deployment file, in words for the log.

Pure: two values in, a list of short texts out; each says what has changed and,
where that is short, from what to what.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from ixproxy.config_deployment import ProxyView
from ixproxy.config_plans import NodePlan
from ixproxy.config_sections import spelled
from ixproxy.config_tables import Chosen
from ixproxy.net.capture_plans import CapturePlan
from ixproxy.net.log_plans import LogPlan
from ixproxy.node.model import TenantPlan
from ixproxy.values import NodeFacts, TenantFacts

MOST = 30
"""How many changes are named in one text."""


def in_one_text(changes: Sequence[str]) -> str:
    """All changes in one line, cut where there are many."""
    if not changes:
        return "nothing in it that concerns this process has changed"
    more = f"; and {len(changes) - MOST} more" if len(changes) > MOST else ""
    return "; ".join(changes[:MOST]) + more


def proxy_changes(old: ProxyView, new: ProxyView) -> list[str]:
    """What is different for a proxy."""
    names = {each.id: each.name for each in (*old.tenants, *new.tenants)}
    return [
        *_nodes(old.nodes, new.nodes, names),
        *_tenants(old.tenants, new.tenants),
        *option_changes(old.settings, new.settings),
        *_changed("the nodes' delivering-timeout", old.delivering_timeout, new.delivering_timeout),
        *_changed(
            "the nodes' third-party-server-timeout",
            old.third_party_server_timeout,
            new.third_party_server_timeout,
        ),
        *_chosen("routing", old.routing, new.routing),
        *_chosen("pull", old.pull, new.pull),
        *_chosen("merge", old.merge, new.merge),
    ]


def node_changes(old: NodePlan, new: NodePlan) -> list[str]:
    """What is different for a node, but for its options."""
    before = {plan.id: plan for plan in old.tenants}
    after = {plan.id: plan for plan in new.tenants}
    changes = list(_come_and_gone("tenant", _names(before), _names(after)))
    for number in before.keys() & after.keys():
        changes += _tenant(before[number], after[number])
    changes += _mapped("custom property", old.custom_properties, new.custom_properties)
    changes += _mapped("external server", _called(old), _called(new))
    return changes


def capture_changes(old: Sequence[CapturePlan], new: Sequence[CapturePlan]) -> list[str]:
    """Which capture points came, went and changed."""
    before, after = ({plan.name: plan for plan in plans} for plans in (old, new))
    names = sorted(before.keys() | after.keys())
    changes: list[str] = []
    for name in names:
        changes += _either(f"capture point {name}", before.get(name), after.get(name))
    return changes


def log_changes(old: Sequence[LogPlan], new: Sequence[LogPlan]) -> list[str]:
    """Likewise for event logs."""
    before, after = ({plan.name: plan for plan in plans} for plans in (old, new))
    changes: list[str] = []
    for name in sorted(before.keys() | after.keys()):
        changes += _either(f"event log {name}", before.get(name), after.get(name))
    return changes


def _called(plan: NodePlan) -> dict[str, str]:
    return {each.name: ", ".join(each.endpoints) for each in plan.servers}


def option_changes(old: object, new: object) -> list[str]:
    """The options of a section that are different, `max-clients 50000 -> 10`."""
    section: Any = old
    changes: list[str] = []
    for each in fields(section):
        changes += _changed(spelled(each.name), getattr(old, each.name), getattr(new, each.name))
    return changes


def _names(plans: Mapping[int, TenantPlan]) -> dict[int, str]:
    return {number: plan.name for number, plan in plans.items()}


def _nodes(
    old: Sequence[NodeFacts], new: Sequence[NodeFacts], tenants: Mapping[int, str]
) -> Iterator[str]:
    before = {str(each.name): each for each in old}
    after = {str(each.name): each for each in new}
    proxies = any(each.is_proxy for each in (*old, *new))
    what = "upstream" if proxies else "node"
    yield from _come_and_gone(what, {name: name for name in before}, {name: name for name in after})
    for name in sorted(before.keys() & after.keys()):
        was, now = before[name], after[name]
        yield from _changed(f"dbid of {name}", was.dbid, now.dbid)
        yield from _changed(
            f"tenants of {name}",
            sorted(tenants.get(each, str(each)) for each in was.tenants),
            sorted(tenants.get(each, str(each)) for each in now.tenants),
        )
        yield from _changed(f"media-types of {name}", _any(was), _any(now))
        yield from _changed(f"enable-submit of {name}", was.enable_submit, now.enable_submit)
        yield from _changed(f"servers of {name}", _servers(was), _servers(now))


def _servers(node: NodeFacts) -> list[str]:
    return [f"{server.name} at {server.endpoint}" for server in node.servers]


def _any(node: NodeFacts) -> object:
    return "any" if node.media_types is None else sorted(node.media_types)


def _tenants(old: Sequence[TenantFacts], new: Sequence[TenantFacts]) -> Iterator[str]:
    before = {each.id: each for each in old}
    after = {each.id: each for each in new}
    yield from _come_and_gone(
        "tenant",
        {number: each.name for number, each in before.items()},
        {number: each.name for number, each in after.items()},
    )
    for number in before.keys() & after.keys():
        was, now = before[number], after[number]
        yield from _changed(f"name of tenant {number}", was.name, now.name)
        yield from _mapped(
            f"media type of {now.name}:", _enabled(was.media_types), _enabled(now.media_types)
        )


def _enabled(media: Mapping[str, bool]) -> dict[str, str]:
    return {name: "enabled" if on else "disabled" for name, on in media.items()}


def _tenant(old: TenantPlan, new: TenantPlan) -> Iterator[str]:
    yield from _changed(f"name of tenant {new.id}", old.name, new.name)
    of = f"of {new.name}:"
    for name in sorted(old.media_types.keys() | new.media_types.keys()):
        media = old.media_types.get(name), new.media_types.get(name)
        yield from _either(f"media type {of} {name}", *media)
    for name in sorted(old.queues.keys() | new.queues.keys()):
        views, now = old.queues.get(name), new.queues.get(name)
        if views is None or now is None:
            yield from _either(f"queue {of} {name}", views, now)
            continue
        for view in sorted(views.keys() | now.keys()):
            yield from _either(f"view {of} {name}/{view}", views.get(view), now.get(view))
    yield from _mapped(f"workbin {of}", old.workbins, new.workbins)
    for what in ("agents", "places", "agent_groups", "place_groups", "routers"):
        before, after = getattr(old, what), getattr(new, what)
        if before != after:
            yield f"{spelled(what)} of {new.name} changed"


def _come_and_gone(
    what: str, old: Mapping[Any, object], new: Mapping[Any, object]
) -> Iterator[str]:
    for key in new:
        if key not in old:
            yield f"{what} {new[key]} added"
    for key in old:
        if key not in new:
            yield f"{what} {old[key]} removed"


def _mapped(what: str, old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[str]:
    for name in sorted(old.keys() | new.keys()):
        if name in old and name in new:
            yield from _changed(f"{what} {name}", old[name], new[name])
        else:
            yield from _either(f"{what} {name}", old.get(name), new.get(name))


def _either(what: str, old: object, new: object) -> Iterator[str]:
    """Something that came, went or changed, too large to be shown."""
    if old is None and new is not None:
        yield f"{what} added"
    elif new is None and old is not None:
        yield f"{what} removed"
    elif old != new:
        yield f"{what} changed"


def _chosen(what: str, old: Chosen, new: Chosen) -> Iterator[str]:
    if old.use != new.use:
        yield f"{what} {old.use} -> {new.use}"
    elif old.settings != new.settings:
        yield f"settings of {what} {new.use} changed"


def _changed(what: str, old: object, new: object) -> Iterator[str]:
    if old != new:
        yield f"{what} {_shown(old)} -> {_shown(new)}"


def _shown(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case None | "":
            return "none"
        case list() | tuple():
            return ", ".join(map(str, value)) or "none"
        case _:
            return str(value)
