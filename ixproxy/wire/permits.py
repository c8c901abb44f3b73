"""
What a peer may be, as far as it has shown who it is.

Theory of operation: a permit is a list of grants, one for each rule that a
peer's certificate or user name meets. A grant says as which types of client
the peer may register and for which tenants they work. Type Proxy is never
meant where a grant names no types: a proxy speaks for any number of clients,
so it has to be named. Clients behind a proxy are of any type, for the proxy has
seen who they are, and work for no other tenants than the proxy may.
"""

from __future__ import annotations

from dataclasses import dataclass

from ixproxy.errors import Code, RequestRefused
from ixproxy.values import ClientType

ANY_CLIENT = frozenset(ClientType) - {ClientType.PROXY}


@dataclass(frozen=True, slots=True)
class Grant:
    """
    One thing that a peer may be.

    :ivar tenants: the ids of the tenants that it may work for; None: any.
    """

    client_types: frozenset[ClientType] = ANY_CLIENT
    tenants: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Permit:
    """
    What one peer may be.

    :ivar who: who it has shown to be, such as `CN=proxy1` or `user kim`, for
        logs and refusals; "": nobody in particular.
    :ivar must_log_in: it has shown nothing yet, and is asked for user and password.
    """

    who: str = ""
    grants: tuple[Grant, ...] = ()
    must_log_in: bool = False

    def tenants_of(self, client_type: ClientType) -> frozenset[int] | None:
        """
        The tenants that a client of this type may work for; None: any.

        :raise RequestRefused: the peer may not be of this type.
        """
        grants = [grant for grant in self.grants if client_type in grant.client_types]
        if not grants:
            named = self.who or "Who shows no certificate"
            raise RequestRefused(
                Code.NOT_ALLOWED, f"{named} may not register as {client_type.value} here"
            )
        tenants: frozenset[int] = frozenset()
        for grant in grants:
            if grant.tenants is None:
                return None
            tenants |= grant.tenants
        return tenants

    def narrowed(self, client_type: ClientType, tenants: frozenset[int]) -> frozenset[int]:
        """
        The tenants that a registration means; empty: all of the server's.

        :param tenants: those that it names; none: all that it may.
        :raise RequestRefused: the peer may not be of this type, or not work
            for one of them.
        """
        permitted = self.tenants_of(client_type)
        if permitted is None:
            return tenants
        if beyond := tenants - permitted:
            named = self.who or "Who shows no certificate"
            raise RequestRefused(
                Code.NOT_ALLOWED, f"{named} may not work for tenant {min(beyond)} here"
            )
        return tenants or permitted


ANYTHING = Permit(grants=(Grant(frozenset(ClientType)),))
"""Where peers need not show who they are, and the network is trusted."""
