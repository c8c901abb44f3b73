"""
The option catalogue of proxies, and of a node's smaller sections.

Names are the field's. Where its documentation gives a default or a range, that
stands here; most of its options are known by name only, and their values here
are ours, as are all options of proxies but the first three.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ixproxy.config_keys import rate_text
from ixproxy.config_node_options import NodeSettings, WireSettings
from ixproxy.config_sections import flag, limit, names, text, whole

WEEK = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class ProxySettings(WireSettings):
    """`[settings]` of a proxy."""

    pull_hold_timeout: int = whole(
        10, 1, 600, "seconds", "Replaces the nodes' option in pulls for a strategy."
    )
    interaction_cache_size: int = whole(
        10_000, 100, 10_000_000, "entries", "Interactions whose node is remembered."
    )
    mark_internal_requests: bool = flag(
        False, "Requests that the proxy makes itself carry InternalRequestReason."
    )
    request_timeout: int = whole(
        30, 1, 3600, "seconds", "How long nodes may take, where the request does not say."
    )
    node_loss_grace: int = whole(
        30, 0, WEEK, "seconds", "After that, what was on a lost node is revoked from desktops."
    )
    node_connect_timeout: int = whole(
        1000, 50, 60_000, "milliseconds", "A server of a pair that is silent for so long hangs."
    )
    node_answer_timeout: int = whole(
        1500, 50, 60_000, "milliseconds", "The same for one that accepts, and has to register us."
    )
    node_probe_interval: int = whole(
        1000, 100, 60_000, "milliseconds", "The other server of a pair is asked so often."
    )
    max_pending_per_node: int = whole(
        50_000, 1, 10_000_000, "requests", "Requests that one node may have without an answer."
    )
    max_link_output: int = whole(
        16 << 20, 1 << 16, 1 << 30, "bytes", "Output that may wait for one node; then it is busy."
    )
    max_clients: int = whole(
        50_000, 1, 1_000_000, "clients", "Registered clients, those behind proxies included."
    )
    max_waiting_per_id: int = whole(
        100, 1, 100_000, "requests", "Requests queued until an interaction's node is known."
    )
    max_locating: int = whole(
        10_000, 1, 10_000_000, "interactions", "Ids being located; of one client a quarter waits."
    )
    max_fan_outs: int = whole(
        1_000, 1, 1_000_000, "requests", "Fan-outs in flight; of one client a quarter."
    )
    max_gathered: int = whole(
        512 << 20, 1 << 20, 1 << 40, "bytes", "Answers kept for fan-outs; of one client a quarter."
    )
    max_output_timeout: int = whole(
        10, 1, 3600, "seconds", "How long a client may leave more output unread than it may."
    )
    max_ids_per_pull: int = whole(500, 1, 100_000, "interactions", "Ids that one pull may name.")
    max_snapshots: int = whole(
        1_000, 1, 1_000_000, "snapshots", "Snapshots of all clients; of one client a quarter."
    )
    parking_window: int = whole(
        0, 0, 3600, "seconds", "Requests wait so long for a node that switches over; 0: not at all."
    )
    parking_rate: int = whole(
        1_000, 1, 1_000_000, "requests/second", "The pace at which a node gets what waited for it."
    )
    max_parked: int = whole(
        10_000, 1, 1_000_000, "requests", "Requests that wait for nodes that switch over."
    )
    max_parked_per_node: int = whole(
        5_000, 1, 1_000_000, "requests", "Those that wait for one node."
    )
    max_parked_size: int = whole(64 << 20, 1 << 16, 1 << 34, "bytes", "All of them together.")
    replay_window: int = whole(
        50, 1, 10_000, "agents", "Agent sessions replayed at a time to a node that came back."
    )
    fast_path: bool = flag(True, "Forward without decoding where no rule needs the body.")


@dataclass(frozen=True, slots=True)
class NodeClusterSettings:
    """`[cluster-settings]` of a node; proxies read it, the node does not."""

    media_types: tuple[str, ...] = names("What new work comes here; empty: all of its tenants'.")
    enable_submit: bool = flag(True, "Whether new work comes here at all.")


@dataclass(frozen=True, slots=True)
class AgentReservation:
    """`[agent-reservation]` of a node."""

    reject_subsequent_request: bool = flag(
        True, "Refuse a second reservation of an agent by one client.", served=False
    )
    request_collection_time: int = whole(
        100, 0, 60_000, "milliseconds", "Competing requests are collected so long.", served=False
    )
    reservation_time: int = whole(
        10_000, 1, 600_000, "milliseconds", "How long a reservation lasts.", served=False
    )


@dataclass(frozen=True, slots=True)
class HealthService:
    """`[health-service]` of a node."""

    enable_keepalive: bool = flag(False, "Keep HTTP connections open.", served=False)


@dataclass(frozen=True, slots=True)
class LoggerSettings:
    """`[logger-settings]` of a node: what goes into its event log."""

    batch_size: int = whole(500, 1, 5000, "events", "Rows of one transaction.", served=False)
    storing_timeout: int = whole(
        1000, 500, 60_000, "milliseconds", "A smaller batch waits so long.", served=False
    )
    max_queue_size: int = whole(
        20_000, 10_000, 100_000, "events", "Events that may wait.", served=False
    )
    log_agent_state: bool = flag(True, "Agent states.", served=False)
    log_agent_activity: bool = flag(True, "What agents do.", served=False)
    log_queue: bool = flag(True, "Queues and workbins.", served=False)
    log_strategy: bool = flag(True, "What strategies do.", served=False)
    log_esp_service: bool = flag(True, "ESP.", served=False)
    log_userdata: bool = flag(True, "Custom fields.", served=False)
    event_filter_by_id: tuple[str, ...] = names("Only these events; empty: all.", served=False)
    schema_name: str = text("", "The database schema.", served=False)


@dataclass(frozen=True, slots=True)
class NodeLicences:
    """`[licences]` of a node; the name with underscores is the field's."""

    ics_multi_media_agent_seat: int | None = limit(
        0,
        1_000_000,
        "seats",
        "The most agents that may be logged in here; none given: no limit.",
    )


@dataclass(frozen=True, slots=True)
class MediaTypeSettings:
    """`[settings]` of a media type."""

    handling_timeout: int | None = limit(
        1, 1440, "minutes", "Goes before the node's option of the same name."
    )


@dataclass(frozen=True, slots=True)
class RouterLimits:
    """What a router has for one node, in a section with the node's name."""

    max_submission_rate: str = text(
        "", "Such as 10/second, 25/minute or 1000/hour; 0 stops.", rate_text
    )
    max_submitted_interactions: int | None = limit(
        0, 50_000, "interactions", "How many it may have of that node; 0 stops."
    )


@dataclass(frozen=True, slots=True)
class WarmStandbyOptions:
    """`warm-standby` in `[settings]` of a cluster of proxies, and of a client's own application."""

    retry_delay: int | None = limit(
        1,
        3600,
        "seconds",
        "A client pauses so long after it tried every proxy in vain; none given: 10.",
    )
    reconnection_random_delay_range: int | None = limit(
        0,
        3600,
        "seconds",
        "A client that lost its proxy tries it again after 0 to so long, by chance; none given: 2.",
    )


NODE_SECTIONS: Mapping[str, type] = {
    "settings": NodeSettings,
    "cluster-settings": NodeClusterSettings,
    "agent-reservation": AgentReservation,
    "health-service": HealthService,
    "logger-settings": LoggerSettings,
    "licences": NodeLicences,
}
PROXY_SECTIONS: Mapping[str, type] = {"settings": ProxySettings}
