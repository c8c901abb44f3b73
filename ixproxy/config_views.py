"""Views and custom properties: whether their expressions can be read, and what serves them."""

from __future__ import annotations

from ixproxy.config_check import instead
from ixproxy.config_lines import Path
from ixproxy.config_rules import Case
from ixproxy.config_tables import Queue, Tenant, View
from ixproxy.errors import ConfigError
from ixproxy.node.expressions import (
    ExpressionError,
    compile_condition,
    compile_order,
    compile_segmentation,
)
from ixproxy.node.model import WORKBIN_QUEUE
from ixproxy.node.properties import Properties
from ixproxy.node.view_indexes import advice

SYSTEM_VIEW = "_system_"
"""The view id of a pull by ids; no queue may have this name."""

VIEW_ID_LIMIT = 255
"""`queue/view` travels in one short string of the prefix, in bytes."""


def check_views(case: Case) -> None:
    """Errors of all expressions, and warnings where no index helps a view."""
    properties = _properties(case)
    for tenant in case.deployment.tenants.values():
        for queue in tenant.queues.values():
            path: Path = ("tenants", tenant.name, "queues")
            if queue.name == SYSTEM_VIEW or queue.name.startswith(WORKBIN_QUEUE):
                text = f'expected another name: "{SYSTEM_VIEW}" means a pull by ids,'
                text += f' and what begins with "{WORKBIN_QUEUE}" a workbin\'s queue'
                case.findings.error(path, queue.name, text)
            for view in queue.views.values():
                _check_name(case, tenant, queue, view)
                _check_view(case, (*path, queue.name, "views", view.name), view, properties)
        _check_strategies(case, tenant)


def _check_strategies(case: Case, tenant: Tenant) -> None:
    """What views feed must be known, where strategies are listed; and something must feed them."""
    if tenant.strategies is None:
        return
    fed: set[str] = set()
    for queue in tenant.queues.values():
        for view in queue.views.values():
            fed.add(view.strategy)
            if view.strategy and view.strategy not in tenant.strategies:
                path = ("tenants", tenant.name, "queues", queue.name, "views", view.name)
                text = f'no strategy "{view.strategy}"{instead(view.strategy, tenant.strategies)}'
                case.findings.error(path, "strategy", text)
    for name in sorted(tenant.strategies - fed):
        text = f'no view has the strategy "{name}": nothing is pushed to routers for it'
        case.findings.warning(("tenants", tenant.name), "strategies", text)


def _properties(case: Case) -> Properties:
    """The properties that expressions may name; custom ones of all tenants together."""
    types: dict[str, str] = {}
    for tenant in case.deployment.tenants.values():
        path: Path = ("tenants", tenant.name, "custom-properties")
        for each in tenant.custom_properties.values():
            if types.setdefault(each.name, each.type) != each.type:
                text = (
                    f'expected "{types[each.name]}", as another tenant has it:'
                    " a custom property is one column for all tenants"
                )
                case.findings.error((*path, each.name), "type", text)
    try:
        return Properties(types)
    except ConfigError as error:
        spoilt = {problem.key: problem.text for problem in error.problems}
    for tenant in case.deployment.tenants.values():
        for name in tenant.custom_properties:
            if name in spoilt:
                path = ("tenants", tenant.name, "custom-properties")
                case.findings.error(path, name, spoilt[name])
    return Properties({name: type for name, type in types.items() if name not in spoilt})


def _check_name(case: Case, tenant: Tenant, queue: Queue, view: View) -> None:
    path: Path = ("tenants", tenant.name, "queues", queue.name, "views")
    if "/" in view.name:
        text = 'expected a name without "/": clients write queue/view'
        case.findings.error(path, view.name, text)
    if len(f"{queue.name}/{view.name}".encode("utf-8", "replace")) > VIEW_ID_LIMIT:
        text = f"expected at most {VIEW_ID_LIMIT} bytes for the names of queue and view together"
        case.findings.error(path, view.name, text)


def _check_view(case: Case, path: Path, view: View, properties: Properties) -> None:
    condition = order = None
    try:
        condition = compile_condition(view.condition, properties)
    except ExpressionError as problem:
        case.findings.error(path, "condition", str(problem))
    try:
        order = compile_order(view.order, properties)
    except ExpressionError as problem:
        case.findings.error(path, "order", str(problem))
    try:
        compile_segmentation(view.segmentation, view.segment_limit, properties)
    except ExpressionError as problem:
        case.findings.error(path, "segmentation", str(problem))
    if view.segment_limit and not view.segmentation.strip():
        text = "expected a segmentation: without one there are no segments to limit"
        case.findings.error(path, "segment-limit", text)
    if condition is not None and order is not None:
        for text in advice(condition, order):
            key, _, rest = text.partition(": ")
            case.findings.warning(path, key, rest)
