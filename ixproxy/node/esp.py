"""
Calls to external servers, as rules see them: may it be made, and who is called.

The node is only the bus: what a call means is between its caller and the server,
and no row is changed by it. A call that names an interaction must name one that is
here; one that goes to the node itself is its own service (`esp_find`).
"""

from __future__ import annotations

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import Request3rdServer
from ixproxy.messages.message import MAX_NAME, KeyValues
from ixproxy.node.access import interaction_of, media_of, tenant_of
from ixproxy.node.esp_find import find_by_call
from ixproxy.node.esp_lines import Address, kind_of
from ixproxy.node.esp_work import CallService
from ixproxy.node.turn import Turn
from ixproxy.node.work import Answer, Effect, ReadLong, Sender, Token

OWN_TYPE = kind_of("Interaction Server")
"""By this type, or by its name, a node is called itself."""


def call_service(turn: Turn, sender: Sender, request: Request3rdServer, token: Token) -> Effect:
    """
    Calls an external server, or the node's own service.

    :raise RequestRefused: unknown tenant, media type or interaction, or the
        envelope does not say whom to call.
    """
    tenant = tenant_of(turn, sender, request.tenant_id)
    if request.media_type:
        media_of(tenant, request.media_type)
    if request.interaction_id:
        interaction_of(turn, sender, request)
    address = address_of(request.envelope3rd_server)
    if address.type == OWN_TYPE or address.name in (turn.identity.name, *turn.settings.names):
        found = find_by_call(turn, sender, request, token)
        return found if isinstance(found, ReadLong) else Answer(token, found)
    return CallService(token, sender, request, address)


def address_of(envelope: KeyValues) -> Address:
    """
    Whom an envelope is for; its `AppName` counts where it has both.

    :raise RequestRefused: it names nobody.
    """
    for key in ("AppName", "AppType"):
        named = envelope.get(key)
        if named in (None, ""):
            continue
        if not isinstance(named, str) or len(named) > MAX_NAME:
            text = f"Envelope3rdServer[{key!r}]: expected a name of 1 to {MAX_NAME} characters"
            raise RequestRefused(Code.BAD_ATTRIBUTE, text)
        if key == "AppName":
            return Address(named)
        if kind := kind_of(named):
            return Address(type=kind)
        raise RequestRefused(Code.BAD_ATTRIBUTE, f"AppType {named!r} is no type")
    raise RequestRefused(Code.MISSING_VALUE, "AppName or AppType is missing in Envelope3rdServer")
