"""The tables of the deployment file as frozen values: tenants and applications."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ixproxy.config_node_options import NodeSettings
from ixproxy.config_options import (
    AgentReservation,
    HealthService,
    LoggerSettings,
    MediaTypeSettings,
    NodeClusterSettings,
    NodeLicences,
    ProxySettings,
    WarmStandbyOptions,
)
from ixproxy.values import TenantFacts, TlsFiles


@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type of a tenant; a disabled one is refused by proxies."""

    name: str
    enabled: bool = True
    settings: MediaTypeSettings = field(default_factory=MediaTypeSettings)


@dataclass(frozen=True, slots=True)
class View:
    """
    A view of a queue.

    Condition, order and segmentation are expressions of the field's dialect,
    "" for none. Equal values of the segmentation make a segment, of which at
    most `segment_limit` (0: any number) are out at a time.

    :ivar freeze_interval: seconds; None: the node's default-view-freeze-interval.
    :ivar strategy: its interactions are pushed to routers that have loaded it.
    """

    name: str
    condition: str = ""
    order: str = ""
    segmentation: str = ""
    segment_limit: int = 0
    freeze_interval: int | None = None
    strategy: str = ""


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue of a tenant, with its views."""

    name: str
    views: Mapping[str, View] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Workbin:
    """A kind of workbin; `owner` says whose it is: agent, agent-group, place or place-group."""

    name: str
    owner: str


@dataclass(frozen=True, slots=True)
class CustomProperty:
    """A key of the user data with a column of its own: string, number or timestamp."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Tenant:
    """
    One tenant.

    Agents, places, groups, routers and strategies are None where they are left
    open: then any name is taken. Groups map their names to their members.
    """

    name: str
    id: int
    media_types: Mapping[str, MediaType] = field(default_factory=dict)
    queues: Mapping[str, Queue] = field(default_factory=dict)
    workbins: Mapping[str, Workbin] = field(default_factory=dict)
    custom_properties: Mapping[str, CustomProperty] = field(default_factory=dict)
    agents: frozenset[str] | None = None
    places: frozenset[str] | None = None
    agent_groups: Mapping[str, tuple[str, ...]] | None = None
    place_groups: Mapping[str, tuple[str, ...]] | None = None
    routers: frozenset[str] | None = None
    strategies: frozenset[str] | None = None

    @property
    def facts(self) -> TenantFacts:
        """What the minds of proxy and node need of it."""
        media = {each.name: each.enabled for each in self.media_types.values()}
        return TenantFacts(self.id, self.name, media)


@dataclass(frozen=True, slots=True)
class Allow:
    """
    What a peer may be that shows who it is.

    :ivar subject: what a certificate's subject must have in it, such as
        `CN=proxy1` or `O=Acme,OU=Desktops`; "": the rule is about a user.
    :ivar user: the name that a checker of `--auth` confirmed; "*": any of them.
    :ivar client_types: empty: any but Proxy.
    :ivar tenants: empty: any.
    """

    subject: str = ""
    client_types: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    user: str = ""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A plug-in by name; the table's other keys go to its maker."""

    use: str
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CapturePoint:
    """
    A capture point of a node.

    :ivar chosen: its maker, and what goes there.
    :ivar tenant: for which it works, "": for all of its node.
    :ivar queue: where a submit goes that does not say so, "": it must.
    :ivar defaults: what else a submit has that does not say so, by the field's names.
    :ivar duplicate_check: "none", "receipt" or "external-id".
    :ivar notify: "at-most-once" or "at-least-once"; of replies always the latter.
    :ivar notifications: what it is told that it did not ask for; None: all that it can be.
    :ivar receipt_retention: hours.
    :ivar max_rate: documents a second; None: not limited.
    """

    name: str
    chosen: Chosen
    tenant: str = ""
    queue: str = ""
    defaults: Mapping[str, object] = field(default_factory=dict)
    duplicate_check: str = "receipt"
    notify: str = "at-most-once"
    notifications: tuple[str, ...] | None = None
    receipt_retention: int = 24
    max_operations: int = 1000
    max_rate: int | None = None
    max_in_flight: int = 100
    max_outbox: int = 100_000


@dataclass(frozen=True, slots=True)
class EventLog:
    """
    An event log of a node.

    :ivar address: `kind:place`.
    :ivar short: it was written as `event-log`, with nothing but its address.
    :ivar storing_timeout: milliseconds.
    :ivar event_filter_by_id: names of the events that it gets; empty: all.
    :ivar custom_fields: column to what it holds, as given, as are `custom_events`.
    :ivar delete_on_logout: "never", "at-first-logout" or "after-last-logout".
    """

    name: str
    address: str
    short: bool = False
    batch_size: int = 500
    storing_timeout: int = 1000
    max_queue_size: int = 1_000_000
    max_queue_bytes: int = 1 << 30
    mandatory_logging: bool = False
    schema_name: str = ""
    log_agent_state: bool = True
    log_agent_activity: bool = True
    log_queue: bool = True
    log_strategy: bool = True
    log_esp_service: bool = True
    log_userdata: bool = True
    event_filter_by_id: tuple[str, ...] = ()
    custom_fields: Mapping[str, object] = field(default_factory=dict)
    custom_events: Mapping[str, object] = field(default_factory=dict)
    delivery_queue_name: str = ""
    delete_on_logout: str = "never"


@dataclass(frozen=True, slots=True)
class NodeApplication:
    """
    One server of a node.

    :ivar backup: the name of the other server of the pair, "" without one.
    :ivar primary: on a backup, the server that it stands behind; else "".
    :ivar store: `kind:place`, the same for both servers of a pair.
    """

    name: str
    dbid: int
    tenants: tuple[str, ...]
    listen: str
    endpoint: str
    store: str
    event_logs: tuple[EventLog, ...] = ()
    backup: str = ""
    primary: str = ""
    connections: tuple[str, ...] = ()
    tls: TlsFiles | None = None
    allow: tuple[Allow, ...] = ()
    capture: tuple[CapturePoint, ...] = ()
    settings: NodeSettings = field(default_factory=NodeSettings)
    cluster_settings: NodeClusterSettings = field(default_factory=NodeClusterSettings)
    agent_reservation: AgentReservation = field(default_factory=AgentReservation)
    health_service: HealthService = field(default_factory=HealthService)
    logger_settings: LoggerSettings = field(default_factory=LoggerSettings)
    licences: NodeLicences = field(default_factory=NodeLicences)

    def takes(self, media_type: str) -> bool:
        """Whether new work of a media type may come here, were it submitted."""
        listed = self.cluster_settings.media_types
        return not listed or media_type in listed


@dataclass(frozen=True, slots=True)
class ProxyApplication:
    """
    One proxy.

    `routing`, `pull` and `merge` name its strategies; `backup` and `primary`
    are as for a node.
    """

    name: str
    listen: str
    endpoint: str
    connections: tuple[str, ...]
    dbid: int = 0
    tenants: tuple[str, ...] = ()
    backup: str = ""
    primary: str = ""
    tls: TlsFiles | None = None
    allow: tuple[Allow, ...] = ()
    settings: ProxySettings = field(default_factory=ProxySettings)
    routing: Chosen = Chosen("round-robin")
    pull: Chosen = Chosen("round-robin")
    merge: Chosen = Chosen("union")


NODES = "Interaction Server"
PROXIES = "Interaction Server Proxy"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster object: of nodes or of proxies, by its `kind`."""

    name: str
    kind: str
    connections: tuple[str, ...]
    standby: WarmStandbyOptions = field(default_factory=WarmStandbyOptions)


@dataclass(frozen=True, slots=True)
class ServerApplication:
    """
    Any other application that the deployment knows of: a client, or an ESP server.

    :ivar app_type: by which ESP requests call it, too; "": by its type alone.
    :ivar tls: given, it listens with TLS.
    """

    name: str
    type: str
    dbid: int = 0
    tenants: tuple[str, ...] = ()
    endpoint: str = ""
    backup: str = ""
    primary: str = ""
    connections: tuple[str, ...] = ()
    options: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    standby: WarmStandbyOptions = field(default_factory=WarmStandbyOptions)
    app_type: str = ""
    tls: TlsFiles | None = None


Application = NodeApplication | ProxyApplication | Cluster | ServerApplication
