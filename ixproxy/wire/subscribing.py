"""
What one reporting client has asked for: one stream, made of all its subscriptions.

Theory of operation: the names table tells subscriptions apart, and says what
ends which. Those of all agent states differ in their tenants and filter, and end
together. Those of named places and agents of a tenant add up: a name that is
asked for again is told by the newest filter, and names end one by one. A client
hears each event once, whatever number of its subscriptions asks for it. Nodes
and proxies alike keep this; it is a frozen value, so that a node can undo.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import (
    RequestStartPlaceAgentStateReporting,
    RequestStartPlaceAgentStateReportingAll,
    RequestStopPlaceAgentStateReporting,
)
from ixproxy.messages.message import MAX_NAME
from ixproxy.wire.streams import StreamFilter, StreamKey, filter_of

MAX_SUBSCRIPTIONS = 100
"""Subscriptions that one client may have."""
MAX_NAMES = 10_000
"""Names that its filters and lists may have together."""
MAX_STREAMS = 100
"""
Different streams of one server, those of proxies not counted in: an event is
looked at, and encoded, for each of them.
"""


class _All(NamedTuple):
    """
    All agent states of some tenants.

    :ivar named: the request named them; else they are all of the client's.
    """

    wanted: StreamFilter
    named: bool = True

    @property
    def names(self) -> int:
        return sum(len(part) for part in self.wanted if part is not None)


class _Listed(NamedTuple):
    """Named places and agents of one tenant, as they were asked for and are left."""

    begun: RequestStartPlaceAgentStateReporting

    @property
    def wanted(self) -> StreamFilter:
        begun = self.begun
        tenants = (begun.tenant_id,)
        return filter_of(tenants, begun.filter, agents=begun.agents, places=begun.places)

    @property
    def names(self) -> int:
        return sum(len(part) for part in self.wanted if part is not None)

    def without(self, tenant_id: int, places: set[str], agents: set[str]) -> _Listed | None:
        """What is left behind these names; None: nothing."""
        begun = self.begun
        if begun.tenant_id != tenant_id:
            return self
        left_places = [name for name in begun.places if name not in places]
        left_agents = [name for name in begun.agents if name not in agents]
        if not left_places and not left_agents:
            return None
        return _Listed(replace(begun, places=left_places, agents=left_agents))


class Subscribed(NamedTuple):
    """
    The subscriptions of one client, oldest first.

    :ivar each: subscriptions of either kind.
    """

    each: tuple[_All | _Listed, ...] = ()

    @property
    def follows(self) -> bool:
        """Whether some of it is about whatever tenants the client works for."""
        return any(isinstance(one, _All) and not one.named for one in self.each)

    @property
    def key(self) -> StreamKey | None:
        """What its stream is to have; None: it has none."""
        return StreamKey(frozenset(one.wanted for one in self.each)) if self.each else None

    def begin_all(
        self, tenants: Iterable[int], request: RequestStartPlaceAgentStateReportingAll
    ) -> Subscribed:
        """
        :param tenants: those that the request is about.
        :raise RequestRefused: its filter is not valid, or it is too much.
        """
        new = _All(filter_of(tenants, request.filter), bool(request.tenants))
        return Subscribed((*(one for one in self.each if one != new), new))._checked()

    def end_all(self) -> Subscribed:
        """What is left behind the end of all agent states: what was named."""
        return Subscribed(tuple(one for one in self.each if isinstance(one, _Listed)))

    def begin(self, request: RequestStartPlaceAgentStateReporting) -> Subscribed:
        """:raise RequestRefused: it names nobody, its filter is not valid, or it is too much."""
        if not (request.places or request.agents):
            raise RequestRefused(Code.MISSING_VALUE, "Places and Agents are both empty")
        new = _Listed(_bare(request))
        left = self._without(request.tenant_id, set(request.places), set(request.agents))
        return Subscribed((*left, new))._checked()

    def end(self, request: RequestStopPlaceAgentStateReporting) -> Subscribed:
        """What is left behind the end of what was named; with no names, of all of the tenant."""
        if request.places or request.agents:
            places, agents = set(request.places), set(request.agents)
            return Subscribed(self._without(request.tenant_id, places, agents))
        tenant = request.tenant_id
        return Subscribed(
            tuple(
                one for one in self.each if isinstance(one, _All) or one.begun.tenant_id != tenant
            )
        )

    def _without(
        self, tenant: int, places: set[str], agents: set[str]
    ) -> tuple[_All | _Listed, ...]:
        left = (
            one.without(tenant, places, agents) if isinstance(one, _Listed) else one
            for one in self.each
        )
        return tuple(one for one in left if one is not None)

    def _checked(self) -> Subscribed:
        for one in self.each:
            for names in one.wanted[1:]:
                _check_lengths(names or ())
        if len(self.each) > MAX_SUBSCRIPTIONS:
            raise RequestRefused(
                Code.LIMIT_REACHED, f"a client may have {MAX_SUBSCRIPTIONS} subscriptions"
            )
        if sum(one.names for one in self.each) > MAX_NAMES:
            raise RequestRefused(
                Code.LIMIT_REACHED, f"filters and lists of a client may have {MAX_NAMES} names"
            )
        return self


def _bare(
    request: RequestStartPlaceAgentStateReporting,
) -> RequestStartPlaceAgentStateReporting:
    """
    What of a request is kept for as long as the stream: each name once, and nothing else.

    :raise RequestRefused: its filter is not valid.
    """
    filter_of((), request.filter)
    return RequestStartPlaceAgentStateReporting(
        tenant_id=request.tenant_id,
        places=list(dict.fromkeys(request.places)),
        agents=list(dict.fromkeys(request.agents)),
        filter={key: dict.fromkeys(names, 1) for key, names in request.filter.items()},
    )


def _check_lengths(names: Iterable[str]) -> None:
    """:raise RequestRefused: a name is longer than any that is given."""
    for name in names:
        if len(name) > MAX_NAME:
            raise RequestRefused(
                Code.BAD_ATTRIBUTE, f"a name in a filter or list has {MAX_NAME} characters at most"
            )


def check_streams(wanted: Mapping[StreamKey, int], new: StreamKey, own: StreamKey | None) -> None:
    """
    See whether a server may have another stream.

    :param wanted: the streams that it has, and how many clients have each.
    :param own: the one that the client has, in the place of which the new one is.
    :raise RequestRefused: it is like no other, and there are too many.
    """
    others = len(wanted) - (own is not None and wanted.get(own) == 1)
    if new not in wanted and others >= MAX_STREAMS:
        raise RequestRefused(
            Code.LIMIT_REACHED,
            f"{MAX_STREAMS} streams with different filters or tenants are open; "
            "ask for what others have, or for less",
        )
