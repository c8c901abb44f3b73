"""
Tenant, media type, interaction and agent out of any request, by one table.

The generic way of the field's proxy: nothing here knows a single request;
the names table says which attribute a string of the prefix carries and which
are required. What is missing, unknown or not the client's own is answered by
the proxy itself, with the generic "not accessible".
"""

from __future__ import annotations

from collections.abc import Mapping

from ixproxy.core.clients import Client
from ixproxy.core.routing import Route, RouteRow
from ixproxy.errors import Code
from ixproxy.values import TenantFacts
from ixproxy.wire.codec import missing_attribute
from ixproxy.wire.names import NameRow
from ixproxy.wire.prefix import MAX_STRING, Frame

Problem = tuple[int, str]


def is_interaction_id(identifier: str) -> bool:
    """Whether a prefix can carry it: 1 to 255 bytes of UTF-8."""
    return 0 < len(identifier.encode()) <= MAX_STRING


def problem_of(
    frame: Frame,
    row: NameRow,
    route: RouteRow,
    client: Client,
    tenants: Mapping[int, TenantFacts],
) -> Problem | None:
    """Why the proxy refuses the request by its routing attributes, or None."""
    if route.route in (Route.LOCAL, Route.REFUSED):
        return None
    missing = missing_attribute(frame)
    if missing:
        return Code.NOT_ACCESSIBLE, f"{missing} is missing in {row.name}"
    if not row.tenant or not frame.tenant:
        return None
    tenant = tenants.get(frame.tenant)
    if tenant is None:
        return Code.NOT_ACCESSIBLE, f"TenantId {frame.tenant} is not known"
    if not client.may_use(frame.tenant):
        return Code.NOT_ACCESSIBLE, f"TenantId {frame.tenant} is not a tenant of this client"
    if frame.media and frame.media not in tenant.media_types:
        return Code.NOT_ACCESSIBLE, f"MediaType {frame.media!r} is not known in the tenant"
    return None
