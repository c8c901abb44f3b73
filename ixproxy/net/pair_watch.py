"""Watches the other server of a linked node's pair, and says when the link must move to it."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime, IStreamClientEndpoint
from twisted.logger import Logger

from ixproxy.core.links import Link
from ixproxy.core.pairs import Act, act_on, heard_of
from ixproxy.core.state import ProxyState
from ixproxy.messages import ServerFacts
from ixproxy.net.probing import INTERVAL, Probe
from ixproxy.net.turn import TurnEnd

log = Logger()


class PairWatch:
    """
    Asks, waits, and asks again, while the link is there.

    :param other: makes the endpoint of the other server.
    :param move: is told why the link must move.
    """

    def __init__(
        self,
        clock: IReactorTime,
        turn: TurnEnd,
        state: ProxyState,
        other: Callable[[], IStreamClientEndpoint],
        move: Callable[[str], None],
    ) -> None:
        self._clock = clock
        self._turn = turn
        self._state = state
        self._other = other
        self._move = move
        self._link: Link | None = None
        self._call: IDelayedCall | None = None
        self._probe: Probe | None = None
        self._reported = ""

    def start(self, link: Link) -> None:
        """A link is there: ask in a while."""
        self._link = link
        self._call = self._clock.callLater(INTERVAL, self._ask)

    def stop(self) -> None:
        """It is gone; harmless when it was not there."""
        self._link = None
        if self._call is not None and self._call.active():
            self._call.cancel()
        probe, self._probe = self._probe, None
        if probe is not None:
            probe.stop()

    def _ask(self) -> None:
        self._probe = Probe(self._clock, self._turn, self._state, self._answered)
        self._probe.start(self._other())

    def _answered(self, server: ServerFacts | None) -> None:
        self._probe = None
        link = self._link
        if link is None:
            return
        act = act_on(heard_of(server, link), link)
        if act is Act.REPORT and server is not None:
            self._report(link, server)
        if act is Act.MOVE and server is not None:
            self._move(f"its lease {server.epoch} is newer than {link.server.epoch}")
        else:
            self._call = self._clock.callLater(INTERVAL, self._ask)

    def _report(self, link: Link, server: ServerFacts) -> None:
        said = f"{server.role} {server.name} with database id {server.dbid}"
        if said != self._reported:
            self._reported = said
            log.error(
                "Where the other server of node {node} should be is {server}; it is left alone",
                node=link.name,
                server=said,
            )
