"""What configuration says to the proxy's mind; replaced as a whole when it changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ixproxy.core.link_times import LinkTimes
from ixproxy.interfaces import IMergePolicy, IPullStrategy, IRoutingStrategy
from ixproxy.values import NodeFacts, NodeName, TenantFacts


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """
    The proxy's options; times in seconds.

    :ivar request_timeout: for a request that brings no ttl.
    :ivar delivering_timeout: how long nodes wait for an invited agent.
    :ivar third_party_server_timeout: how long they wait for an external server.
    :ivar pull_hold_timeout: overrides the nodes' own (1 to 600, default 10).
    :ivar interaction_cache_size: owners kept (100 to 10,000,000).
    :ivar node_loss_grace: how long a lost node's interactions stay with
        desktops before they are told to drop them.
    :ivar min_peer_frame: the shortest max-frame that a peer may announce.
    :ivar max_pending_per_client: requests in flight, of one client.
    :ivar max_pending_per_node: requests in flight, on one link.
    :ivar max_waiting_per_id: requests queued behind one locate or submit.
    :ivar max_locating: interaction ids whose owner is being found, or waits to be.
    :ivar max_fan_outs: fan-outs in flight.
    :ivar max_gathered: bytes of answers that they keep.
    :ivar max_ids_per_pull: interaction ids in one pull.
    :ivar max_snapshots: snapshots of all clients; one may have a part of them.
    :ivar parking_window: how long after its link's loss a node may be switching
        over, and requests for it are parked; 0: none are.
    :ivar max_parked: requests parked, in all.
    :ivar max_parked_per_node: requests parked, for one node.
    :ivar max_parked_size: bytes of what is parked.
    :ivar parking_rate: parked requests a second that a node gets when it is back.
    :ivar replay_window: agent sessions in flight to a node that came back.
    :ivar register_window: registrations in flight to a node that came back.
    :ivar link_times: how long its servers may take, and when they are asked.
    """

    name: str = "proxy"
    request_timeout: float = 30.0
    delivering_timeout: float = 30.0
    third_party_server_timeout: float = 30.0
    pull_hold_timeout: float = 10.0
    interaction_cache_size: int = 10_000
    mark_internal_requests: bool = False
    node_loss_grace: float = 30.0
    max_frame: int = 1 << 20
    min_peer_frame: int = 128 << 10
    max_clients: int = 50_000
    max_pending_per_client: int = 1_000
    max_pending_per_node: int = 50_000
    max_waiting_per_id: int = 100
    max_locating: int = 10_000
    max_fan_outs: int = 1_000
    max_gathered: int = 512 << 20
    max_ids_per_pull: int = 500
    max_snapshots: int = 1_000
    parking_window: float = 0.0
    max_parked: int = 10_000
    max_parked_per_node: int = 5_000
    max_parked_size: int = 64 << 20
    parking_rate: int = 1_000
    replay_window: int = 50
    register_window: int = 100
    fast_path: bool = True
    link_times: LinkTimes = field(default_factory=LinkTimes)


@dataclass(frozen=True, slots=True)
class Deployment:
    """Tenants and nodes as the proxy must know them; or, in place of nodes, its one upstream."""

    tenants: Mapping[int, TenantFacts] = field(default_factory=dict)
    nodes: Mapping[NodeName, NodeFacts] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Strategies:
    """The plug-ins that were chosen, with the names that chose them."""

    routing: IRoutingStrategy
    pull: IPullStrategy
    merge: IMergePolicy
    routing_name: str = "round-robin"
    pull_name: str = "round-robin"
    merge_name: str = "union"
