"""What a node's mind and store are made with, out of a deployment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ixproxy.config_deployment import Deployment
from ixproxy.config_keys import rate_of
from ixproxy.config_licences import shares
from ixproxy.config_node_options import NodeSettings
from ixproxy.config_schema import ROUTER_TYPE
from ixproxy.config_tables import NodeApplication, ServerApplication, Tenant, View
from ixproxy.node import model as node
from ixproxy.node.esp_servers import ExternalServer
from ixproxy.node.properties import Properties


@dataclass(frozen=True, slots=True)
class NodePlan:
    """
    The arguments of a node's model, the settings of its rules, and whom it calls.

    :ivar servers: the external servers that it is connected to.
    """

    tenants: tuple[node.TenantPlan, ...]
    custom_properties: Mapping[str, str]
    settings: node.NodeSettings
    servers: tuple[ExternalServer, ...] = ()


def node_plan(deployment: Deployment, name: str) -> NodePlan:
    """
    What the rules of a node need of the file; equal ones mean that nothing changed.

    :raise ConfigError: there is no node of this name.
    """
    mine = deployment.node(name)
    return NodePlan(
        tuple(_tenant_plan(tenant) for tenant in deployment.tenants_of(mine)),
        deployment.custom_properties(),
        _settings(
            mine.settings,
            shares(deployment).get(mine.primary or mine.name),
            _names_of(deployment.node(mine.primary) if mine.primary else mine),
            _router_limits(deployment, mine),
        ),
        tuple(_called(deployment, each) for each in deployment.called_by(mine)),
    )


def _names_of(primary: NodeApplication) -> tuple[str, ...]:
    """What a node is called: by either server of its pair."""
    return tuple(name for name in (primary.name, primary.backup) if name)


def _called(deployment: Deployment, server: ServerApplication) -> ExternalServer:
    backup = deployment.applications.get(server.backup)
    both = (server, backup) if isinstance(backup, ServerApplication) else (server,)
    return ExternalServer(
        server.name,
        server.type,
        tuple(each.endpoint for each in both if each.endpoint),
        server.app_type,
    )


def _settings(
    given: NodeSettings,
    seats: int | None,
    names: tuple[str, ...],
    routers: Mapping[str, node.RouterLimits],
) -> node.NodeSettings:
    """
    What rules need has the names of the options; the rest of it is not in the file.

    :param seats: the node's share of the agent seats: both servers of a pair have the same.
    """
    named = {each.name for each in fields(node.NodeSettings)} & {
        each.name for each in fields(given)
    }
    values: dict[str, Any] = {name: getattr(given, name) for name in named}
    values["default_max_submission_rate"] = rate_of(given.default_max_submission_rate)
    return node.NodeSettings(**values, agent_seats=seats, names=names, router_limits=routers)


def _router_limits(deployment: Deployment, mine: NodeApplication) -> dict[str, node.RouterLimits]:
    """What routers have in their sections that are named after the node, by their names."""
    found: dict[str, node.RouterLimits] = {}
    for each in deployment.applications.values():
        if not isinstance(each, ServerApplication) or each.type != ROUTER_TYPE:
            continue
        section: dict[str, Any] = {}
        # Both servers of a pair are the node; what is said of the one at hand goes before.
        for name in (mine.primary or mine.name, mine.name):
            section.update(each.options.get(name, {}))
        if section:
            rate = rate_of(section.get("max-submission-rate", ""))
            limits = node.RouterLimits(rate, section.get("max-submitted-interactions"))
            found[each.primary or each.name] = limits
    return found


def _tenant_plan(tenant: Tenant) -> node.TenantPlan:
    return node.TenantPlan(
        tenant.id,
        tenant.name,
        {
            name: node.MediaPlan(each.enabled, each.settings.handling_timeout)
            for name, each in tenant.media_types.items()
        },
        {
            name: {view.name: _view_plan(view) for view in queue.views.values()}
            for name, queue in tenant.queues.items()
        },
        {name: each.owner for name, each in tenant.workbins.items()},
        tenant.agents,
        tenant.places,
        _names(tenant.agent_groups),
        _names(tenant.place_groups),
        tenant.routers,
    )


def _view_plan(view: View) -> node.ViewPlan:
    segmentation = (view.segmentation,) if view.segmentation.strip() else ()
    return node.ViewPlan(
        view.condition,
        view.order,
        segmentation,
        view.segment_limit,
        view.freeze_interval,
        view.strategy,
    )


def _names(groups: Mapping[str, object] | None) -> frozenset[str] | None:
    return None if groups is None else frozenset(groups)


def store_settings(deployment: Deployment, mine: NodeApplication) -> dict[str, object]:
    """What `IStoreMaker.make` takes for a node."""
    return {"address": mine.store, "custom_columns": custom_columns(deployment)}


def custom_columns(deployment: Deployment) -> dict[str, str]:
    """Column to type of every custom property."""
    properties = Properties(deployment.custom_properties())
    return {each.column: each.kind.value for each in properties.custom}
