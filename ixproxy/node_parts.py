"""What a node is put together of besides its mind: plug-ins for capture and for event logs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

from ixproxy.config import Deployment, NodeApplication
from ixproxy.config_capture import limits_of, rules_of
from ixproxy.config_eventlog import kind_of, log_rules_of, maker_settings, pacing_of
from ixproxy.errors import ConfigError, ConfigProblem
from ixproxy.interfaces import ICapturePointMaker, IEventLogMaker
from ixproxy.interfaces_eventlog import IEventLog
from ixproxy.net.capture_plans import CapturePlan
from ixproxy.net.log_plans import LogPlan
from ixproxy.node.model import NodeSettings
from ixproxy.node.packed_properties import PROPERTIES
from ixproxy.plugin import find_maker

FindMaker = Callable[[Any, str], Any]
"""Given an interface and a name: `ixproxy.plugin.find_maker`, or what stands for it."""


def capture_plans(
    deployment: Deployment, application: NodeApplication, find: FindMaker = find_maker
) -> tuple[CapturePlan, ...]:
    """
    The capture points of a node, each with what makes it.

    One is made of each, to see that it can be, and what it can be told.

    :raise ConfigError: there is no such plug-in, or it refuses its settings.
    """
    plans = []
    problems: list[ConfigProblem] = []
    for place, point in enumerate(application.capture):
        table = f"applications.{application.name}.capture#{place + 1}"
        settings = point.chosen.settings
        try:
            maker = find(ICapturePointMaker, point.chosen.use)
            able = frozenset(maker.make(settings).wanted)
        except ConfigError as refused:
            problems += [each._replace(table=table) for each in refused.problems]
            continue
        except Exception as broken:
            # A plug-in of somebody else: its bug must be shown.
            text = f'plug-in "{point.chosen.use}" failed: {type(broken).__name__}: {broken}'
            problems.append(ConfigProblem(table, "use", text))
            continue
        plans.append(
            CapturePlan(
                point.name,
                point.chosen.use,
                lambda maker=maker, settings=settings: maker.make(settings),  # type: ignore[misc]
                settings,
                rules_of(deployment, point, able),
                limits_of(point),
            )
        )
    if problems:
        raise ConfigError(problems)
    return tuple(plans)


def log_plans(application: NodeApplication, find: FindMaker = find_maker) -> tuple[LogPlan, ...]:
    """
    The event logs of a node, each with what makes it; one is made of each, to see that it can be.

    :raise ConfigError: there is no such plug-in, or it refuses its settings.
    """
    plans = []
    problems: list[ConfigProblem] = []
    for log in application.event_logs:
        table = f"applications.{application.name}"
        kind, settings = kind_of(log.address), maker_settings(log)
        try:
            maker = find(IEventLogMaker, kind)
            needed = _properties_needed(maker.make(settings))
        except ConfigError as refused:
            problems += [each._replace(table=f"{table}, {log.name}") for each in refused.problems]
            continue
        except Exception as broken:
            text = f'plug-in "{kind}" failed: {type(broken).__name__}: {broken}'
            problems.append(ConfigProblem(f"{table}, {log.name}", "address", text))
            continue
        plans.append(
            LogPlan(
                log.name,
                kind,
                lambda maker=maker, settings=settings: maker.make(settings),  # type: ignore[misc]
                settings,
                replace(log_rules_of(log), properties=needed),
                pacing_of(log),
            )
        )
    if problems:
        raise ConfigError(problems)
    return tuple(plans)


def _properties_needed(log: IEventLog) -> frozenset[str] | None:
    """
    Of interactions: what a log makes something of; None: all.

    :raise ValueError: it names one that there is not.
    """
    wanted: Collection[str] | None = getattr(log, "wants_properties", None)
    if wanted is None:
        return None
    if unknown := sorted(set(wanted) - PROPERTIES):
        raise ValueError(f"wants_properties: interactions have no property {unknown[0]!r}")
    return frozenset(wanted)


def with_parts(
    settings: NodeSettings, plans: Sequence[CapturePlan], logs: Sequence[LogPlan] = ()
) -> NodeSettings:
    """The settings of rules that know of these capture points and event logs."""
    return replace(
        settings,
        capture={plan.name: plan.rules for plan in plans},
        logs={plan.name: plan.rules for plan in logs},
    )
