"""From the deployment file to what a proxy is made of."""

from __future__ import annotations

from typing import Any

from ixproxy.config_deployment import ProxyView
from ixproxy.config_tables import Chosen
from ixproxy.core.link_times import LinkTimes
from ixproxy.core.settings import Deployment, ProxySettings, Strategies
from ixproxy.errors import ConfigError, ConfigProblem
from ixproxy.interfaces import IMergePolicyMaker, IPullStrategyMaker, IRoutingStrategyMaker
from ixproxy.net.listener import Limits
from ixproxy.plugin import find_maker

FRAME_MARGIN = 64 << 10
"""What a frame needs besides user data, in bytes (design, registration)."""


def settings_of(view: ProxyView, max_userdata_size: int) -> ProxySettings:
    """The mind's settings, from the options of the file."""
    options = view.settings
    return ProxySettings(
        name=view.name,
        request_timeout=float(options.request_timeout),
        delivering_timeout=float(view.delivering_timeout),
        third_party_server_timeout=float(view.third_party_server_timeout),
        pull_hold_timeout=float(options.pull_hold_timeout),
        interaction_cache_size=options.interaction_cache_size,
        mark_internal_requests=options.mark_internal_requests,
        node_loss_grace=float(options.node_loss_grace),
        max_frame=options.max_frame,
        min_peer_frame=max_userdata_size + FRAME_MARGIN,
        max_clients=options.max_clients,
        max_pending_per_client=options.max_pending_per_client,
        max_pending_per_node=options.max_pending_per_node,
        max_waiting_per_id=options.max_waiting_per_id,
        max_locating=options.max_locating,
        max_fan_outs=options.max_fan_outs,
        max_gathered=options.max_gathered,
        max_ids_per_pull=options.max_ids_per_pull,
        max_snapshots=options.max_snapshots,
        parking_window=float(options.parking_window),
        parking_rate=options.parking_rate,
        max_parked=options.max_parked,
        max_parked_per_node=options.max_parked_per_node,
        max_parked_size=options.max_parked_size,
        replay_window=options.replay_window,
        fast_path=options.fast_path,
        link_times=LinkTimes(
            connect=options.node_connect_timeout / 1000,
            answer=options.node_answer_timeout / 1000,
            probe=options.node_probe_interval / 1000,
        ),
    )


def deployment_of(view: ProxyView) -> Deployment:
    """Tenants and nodes, as the mind must know them."""
    return Deployment(
        tenants={tenant.id: tenant for tenant in view.tenants},
        nodes={node.name: node for node in view.nodes},
    )


def strategies_of(
    view: ProxyView, before: ProxyView | None = None, kept: Strategies | None = None
) -> Strategies:
    """
    The plug-ins that the file names.

    :param before: what the file said when `kept` were made. Those whose tables
        have not changed since stay, for they may remember something.
    :raise ConfigError: one is unknown, broken, or refuses its settings.
    """

    def made(interface: Any, what: str) -> Any:
        chosen: Chosen = getattr(view, what)
        if before is not None and kept is not None and getattr(before, what) == chosen:
            return getattr(kept, what)
        try:
            return find_maker(interface, chosen.use).make(chosen.settings)
        except ConfigError:
            raise
        except Exception as problem:
            # A plug-in of somebody else: its bug must be shown, and change nothing.
            text = f'plug-in "{chosen.use}" failed: {type(problem).__name__}: {problem}'
            table = f"applications.{view.name}.{what}"
            raise ConfigError([ConfigProblem(table, "use", text)]) from problem

    return Strategies(
        routing=made(IRoutingStrategyMaker, "routing"),
        pull=made(IPullStrategyMaker, "pull"),
        merge=made(IMergePolicyMaker, "merge"),
        routing_name=view.routing.use,
        pull_name=view.pull.use,
        merge_name=view.merge.use,
    )


def limits_of(view: ProxyView) -> Limits:
    """What one connection may cost."""
    options = view.settings
    return Limits(
        connections=options.max_connections,
        registration=float(options.registration_timeout),
        output=options.max_client_output,
        slow=float(options.max_output_timeout),
        link_output=options.max_link_output,
        unregistered=options.max_unregistered,
        window=options.client_window,
    )
