"""
Capture points out of their tables: made, looked at together with the rest of the deployment,
and turned into what a node's rules and server are told.
"""

from __future__ import annotations

from typing import Any

from ixproxy.config_capture_keys import AT_MOST_ONCE
from ixproxy.config_check import Fitting
from ixproxy.config_deployment import Deployment
from ixproxy.config_tables import CapturePoint, Chosen
from ixproxy.net.capture_plans import CaptureLimits
from ixproxy.node.intake_settings import FIELD_DEFAULTS, UNSOLICITED, CaptureRules, Check
from ixproxy.node.intake_work import Said

TRANSFORMATIONS = ("inbound-transformation", "outbound-transformation")

PASSED_ON = ("max-document-size", *TRANSFORMATIONS)
"""Keys that mean the same in every capture point, and go to its maker where they are given."""


def capture_point(fitting: Fitting) -> CapturePoint:
    """A capture point, as far as its table fits."""
    values: dict[str, Any] = fitting.values
    defaults = fitting.tables.get("default-values")
    passed_on = {key: values[key] for key in PASSED_ON if key in fitting.given}
    return CapturePoint(
        values["name"],
        Chosen(values["use"], {**fitting.rest, **passed_on}),
        values["tenant"],
        values["queue"],
        dict(defaults.rest) if defaults else {},
        values["duplicate-check"],
        values["notify"],
        values["notifications"],
        values["receipt-retention"],
        values["max-operations"],
        values["max-rate"],
        values["max-in-flight"],
        values["max-outbox"],
    )


def defaults_of(point: CapturePoint) -> dict[str, object]:
    """What a submit has that does not say otherwise."""
    queue = {"Queue": point.queue} if point.queue else {}
    return {**FIELD_DEFAULTS, **queue, **point.defaults}


def rules_of(
    deployment: Deployment, point: CapturePoint, able: frozenset[Said] = UNSOLICITED
) -> CaptureRules:
    """
    What the node's rules are told of a capture point.

    :param able: what it can be told.
    """
    wanted = UNSOLICITED & able
    if point.notifications is not None:
        wanted &= {Said(name) for name in point.notifications}
    tenant = deployment.tenants.get(point.tenant)
    return CaptureRules(
        tenants=frozenset({tenant.id}) if tenant else None,
        defaults=defaults_of(point),
        check=Check(point.duplicate_check),
        wanted=wanted,
        receipt_retention=float(point.receipt_retention),
        max_outbox=point.max_outbox,
    )


def limits_of(point: CapturePoint) -> CaptureLimits:
    """What the node's server is told of it."""
    return CaptureLimits(
        point.max_in_flight,
        point.max_operations,
        None if point.max_rate is None else float(point.max_rate),
        point.notify == AT_MOST_ONCE,
    )
