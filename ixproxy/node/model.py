"""
What a node must know of the deployment: tenants and what they have, settings.

Plain values come in (`TenantPlan` and what it holds), compiled ones go out.
Both `NodeModel` and `NodeSettings` are replaced whole when the configuration
changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ixproxy.errors import ConfigError, ConfigProblem
from ixproxy.messages import Workbin
from ixproxy.node.expressions import (
    Condition,
    Dialect,
    ExpressionError,
    Order,
    compile_condition,
    compile_order,
    compile_segmentation,
)
from ixproxy.node.intake_settings import CaptureRules
from ixproxy.node.log_rules import LogRules
from ixproxy.node.properties import Properties, Property
from ixproxy.node.selections import MOST_BYTES, Selection

OWNERS: dict[str, tuple[str, str]] = {
    "agent": ("workbin_agent_id", "workbin_agent"),
    "agent-group": ("workbin_group_id", "workbin_group"),
    "place": ("workbin_place_id", "workbin_place"),
    "place-group": ("workbin_place_group_id", "workbin_place_group"),
}
"""Kind of owner to the attribute of a Workbin that names it, and to its column."""

KEPT_EXPRESSIONS = 256
"""Conditions out of requests that are kept compiled, and orders likewise."""

WORKBIN_QUEUE = "workbin:"
"""What the name of a workbin's private queue begins with."""


@dataclass(frozen=True, slots=True)
class RouterLimits:
    """
    What one router may get in place of what the node's options say.

    :ivar rate: interactions a second; None: as the option says.
    :ivar most: how many it may have at a time; None: likewise.
    """

    rate: float | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """
    The options that rules need; names, units and defaults are those of `[settings]`.

    :ivar agent_seats: how many agents may be logged in; None: not limited.
    :ivar agent_session_restore_timeout: seconds.
    :ivar delayed_logout_timeout: seconds, as is `delivering_timeout`.
    :ivar login_session_timeout: minutes.
    :ivar default_view_freeze_interval: seconds.
    :ivar handling_timeout: minutes, as is `routing_timeout`.
    :ivar max_userdata_size: bytes.
    :ivar pull_hold_timeout: seconds.
    :ivar submit_receipt_retention: hours.
    :ivar default_max_submission_rate: interactions a second that one router is
        pushed; None: not limited. `router_limits` has others, by client name.
    :ivar router_restore_timeout: seconds, as is `submit_timer_interval`.
    :ivar load_interval: seconds at least between two announcements of the load.
    :ivar names: what the node is called: the names of the servers of its pair.
    :ivar logs: the event logs, by name.
    :ivar capture: the capture points, by name.
    """

    agent_login_control: str = "none"
    agent_seats: int | None = None
    agent_session_restore_timeout: float = 60
    allow_duplicates_in_change: bool = False
    allow_duplicates_in_submit: bool = False
    allow_multiple_agent_connections: str = "true"
    completed_queues: tuple[str, ...] = ()
    default_max_submission_rate: float | None = None
    default_max_submitted_per_router: int = 500
    default_max_submitted_per_strategy: int = 500
    default_view_freeze_interval: float = 60
    delayed_logout_panic_threshold: int = 50
    delayed_logout_timeout: float = 30
    delivering_timeout: float = 30
    handling_timeout: float = 180
    ignore_read_only_on_change: bool = False
    ignore_read_only_on_submit: bool = False
    login_session_timeout: float = 1440
    max_interactions_per_find: int = 1000
    max_interactions_per_pull: int = 100
    max_interactions_per_snapshot: int = 500
    max_number_of_snapshots: int = 100
    max_userdata_size: int = 512 << 10
    max_workbin_interactions: int = 1000
    no_userdata_changed_response_to_urs: bool = False
    not_ready_on_invitation_timeout: bool = False
    pull_hold_timeout: float = 10
    router_limits: Mapping[str, RouterLimits] = field(default_factory=dict)
    router_restore_timeout: float = 5
    routing_timeout: float = 720
    submit_receipt_retention: float = 24
    submit_timer_interval: float = 1
    load_interval: float = 1.0
    hide_strategy_esp_activity: bool = False
    names: tuple[str, ...] = ()
    logs: Mapping[str, LogRules] = field(default_factory=dict)
    capture: Mapping[str, CaptureRules] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ViewPlan:
    """A view as the deployment file has it."""

    condition: str = ""
    order: str = ""
    segmentation: tuple[str, ...] = ()
    segment_limit: int = 0
    freeze_interval: float | None = None
    strategy: str = ""


@dataclass(frozen=True, slots=True)
class MediaPlan:
    """A media type; `handling_timeout` is in minutes, None for the node's."""

    enabled: bool = True
    handling_timeout: float | None = None


@dataclass(frozen=True, slots=True)
class TenantPlan:
    """
    A tenant as the deployment file has it.

    :ivar queues: queue to view name to view.
    :ivar workbins: workbin type to its kind of owner, a key of `OWNERS`.
    :ivar agents: None, as for places, groups and routers: any name is taken.
    """

    id: int
    name: str
    media_types: Mapping[str, MediaPlan] = field(default_factory=dict)
    queues: Mapping[str, Mapping[str, ViewPlan]] = field(default_factory=dict)
    workbins: Mapping[str, str] = field(default_factory=dict)
    agents: frozenset[str] | None = None
    places: frozenset[str] | None = None
    agent_groups: frozenset[str] | None = None
    place_groups: frozenset[str] | None = None
    routers: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class ViewModel:
    """
    A compiled view.

    :ivar name: as a pull names it: `queue/view`.
    :ivar condition: None: every row.
    :ivar freeze_interval: seconds; None: the node's default.
    :ivar strategy: which it feeds: its interactions are pushed to routers that
        have loaded it; "": none.
    """

    tenant_id: int
    name: str
    queue: str
    condition: Condition | None
    order: Order
    segmentation: tuple[str, ...] = ()
    segment_limit: int = 0
    freeze_interval: float | None = None
    strategy: str = ""

    @property
    def time_dependent(self) -> bool:
        """What it shows, or in which order, changes by the passing of time."""
        by_condition = self.condition is not None and self.condition.time_dependent
        return by_condition or self.order.time_dependent

    def selection(self, limit: int = 0) -> Selection:
        """What can be pulled from it."""
        return Selection(
            self.tenant_id,
            queue=self.queue,
            condition=self.condition,
            order=self.order,
            segmentation=self.segmentation,
            segment_limit=self.segment_limit,
            available=True,
            limit=limit,
            most_bytes=MOST_BYTES if limit else 0,
        )


@dataclass(frozen=True, slots=True)
class TenantModel:
    """A tenant, compiled; `views` are found by the name that a pull gives."""

    id: int
    name: str
    media_types: Mapping[str, MediaPlan]
    queues: Mapping[str, tuple[ViewModel, ...]]
    views: Mapping[str, ViewModel]
    workbins: Mapping[str, str]
    agents: frozenset[str] | None
    places: frozenset[str] | None
    agent_groups: frozenset[str] | None
    place_groups: frozenset[str] | None
    routers: frozenset[str] | None = None

    def owners(self, kind: str) -> frozenset[str] | None:
        """The known owners of one kind, None where any is taken."""
        if kind == "agent":
            return self.agents
        if kind == "place":
            return self.places
        return self.agent_groups if kind == "agent-group" else self.place_groups


class NodeModel:
    """
    The tenants of a node and its properties.

    :ivar reserved: the names in user data that are properties, not mere keys:
        as the protocol spells them, and custom ones as they are configured.
    :ivar fed: the views of a queue that feed a strategy.
    :ivar feeding: the views that feed a strategy, of all tenants.
    :ivar by_arrival: the order of those who ask for none.
    :param custom_properties: name to kind, as `Properties` takes them.
    :param dialect: of the store, for which expressions are compiled.
    :raise ConfigError: every expression that is not valid, and every unknown
        kind of owner, in one report.
    """

    def __init__(
        self,
        tenants: Sequence[TenantPlan] = (),
        custom_properties: Mapping[str, str] | None = None,
        dialect: Dialect = "sqlite",
    ) -> None:
        self.properties = Properties(custom_properties)
        self.dialect = dialect
        problems: list[ConfigProblem] = []
        self.tenants = {plan.id: self._tenant(plan, problems) for plan in tenants}
        if problems:
            raise ConfigError(problems)
        self.fed: dict[tuple[int, str], tuple[ViewModel, ...]] = {}
        self.feeding: dict[str, tuple[ViewModel, ...]] = {}
        for view in self.views():
            if view.strategy:
                place = (view.tenant_id, view.queue)
                self.fed[place] = (*self.fed.get(place, ()), view)
                self.feeding[view.strategy] = (*self.feeding.get(view.strategy, ()), view)
        self.by_arrival = compile_order("", self.properties, dialect)
        self.lying = compile_condition("[InteractionState] = 0", self.properties, dialect)
        """The condition of what lies in a workbin, not taken out."""
        self.reserved: dict[str, Property] = {}
        for known in self.properties:
            self.reserved.update(dict.fromkeys((known.name, *known.aliases), known))
        self._conditions: dict[str, Condition] = {}
        self._orders: dict[str, Order] = {}

    def views(self) -> list[ViewModel]:
        """Every view of every tenant."""
        return [view for tenant in self.tenants.values() for view in tenant.views.values()]

    def condition(self, text: str) -> Condition:
        """
        A condition out of a request; the last few are kept.

        :raise ExpressionError: it is not valid.
        """
        if text not in self._conditions:
            if len(self._conditions) >= KEPT_EXPRESSIONS:
                self._conditions.clear()
            self._conditions[text] = compile_condition(text, self.properties, self.dialect)
        return self._conditions[text]

    def order(self, text: str) -> Order:
        """
        An order out of a request, likewise.

        :raise ExpressionError: it is not valid.
        """
        if text not in self._orders:
            if len(self._orders) >= KEPT_EXPRESSIONS:
                self._orders.clear()
            self._orders[text] = compile_order(text, self.properties, self.dialect)
        return self._orders[text]

    def _tenant(self, plan: TenantPlan, problems: list[ConfigProblem]) -> TenantModel:
        where = f"tenants.{plan.name}"
        queues: dict[str, tuple[ViewModel, ...]] = {}
        for queue, views in plan.queues.items():
            made = []
            for name, view in views.items():
                try:
                    made.append(self._view(plan.id, queue, name, view))
                except ExpressionError as problem:
                    table = f"{where}.queues.{queue}.views.{name}"
                    problems.append(ConfigProblem(table, "", str(problem)))
            queues[queue] = tuple(made)
        for workbin, owner in plan.workbins.items():
            if owner not in OWNERS:
                text = f"{owner!r} owns no workbins; there are {', '.join(OWNERS)}"
                problems.append(ConfigProblem(f"{where}.workbins.{workbin}", "owner", text))
        return TenantModel(
            plan.id,
            plan.name,
            dict(plan.media_types),
            queues,
            {view.name: view for views in queues.values() for view in views},
            dict(plan.workbins),
            plan.agents,
            plan.places,
            plan.agent_groups,
            plan.place_groups,
            plan.routers,
        )

    def _view(self, tenant_id: int, queue: str, name: str, plan: ViewPlan) -> ViewModel:
        condition = order = None
        if plan.condition:
            condition = compile_condition(plan.condition, self.properties, self.dialect)
        order = compile_order(plan.order, self.properties, self.dialect)
        segmentation = compile_segmentation(
            ", ".join(plan.segmentation), plan.segment_limit, self.properties
        )
        return ViewModel(
            tenant_id,
            f"{queue}/{name}",
            queue,
            condition,
            order,
            segmentation.columns,
            segmentation.limit,
            plan.freeze_interval,
            plan.strategy,
        )


def workbin_queue(workbin_type: str) -> str:
    """The private queue of a workbin type."""
    return WORKBIN_QUEUE + workbin_type


def workbin_columns(kind: str, workbin: Workbin) -> dict[str, str | None]:
    """The columns that put an interaction into `workbin`, owned by a `kind` of owner."""
    columns: dict[str, str | None] = {"workbin_type": workbin.workbin_type_id}
    for each, (attribute, column) in OWNERS.items():
        columns[column] = getattr(workbin, attribute) if each == kind else None
    return columns


NO_WORKBIN: dict[str, str | None] = {
    "workbin_type": None,
    **{column: None for _, column in OWNERS.values()},
}
"""The columns of an interaction that is in no workbin."""
