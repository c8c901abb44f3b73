"""
Keeps one client connected: endpoint after endpoint, round after round.

Theory of operation: the endpoints are tried in order, beginning behind the
one that was lost, without a pause inside a round. After a round that failed,
and after a lost connection, there is a pause by the backoff, which starts over
once a connection has lasted longer than the longest pause. Each attempt
that gets as far as registering raises the incarnation. A round in which every
endpoint refuses the client for what it is ends the undertaking, and so does a
newer registration of the same session.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import connectProtocol
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.internet.task import deferLater
from twisted.logger import Logger

from ixproxy.client.conversation import Conversation
from ixproxy.client.link import Link
from ixproxy.client.registration import Identity
from ixproxy.client.settings import Settings
from ixproxy.errors import Code, NodeUnavailable, RequestRefused
from ixproxy.messages import EventAck
from ixproxy.net.keep_alive import KeepAlive
from ixproxy.net.turn import TurnEnd

FINAL = frozenset(
    (
        Code.BAD_FRAME,
        Code.BAD_ATTRIBUTE,
        Code.NOT_ALLOWED,
        Code.SUPERSEDED,
        Code.INVALID_CLIENT,
        Code.UNSUPPORTED_VERSION,
        Code.UNKNOWN_TENANT,
        Code.NOT_AUTHENTICATED,
    )
)
"""Refusals of a registration that another attempt would meet again."""


class Connector:
    """
    :param incarnation: how often the session has connected before.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        random: Random,
        turn: TurnEnd,
        endpoints: Sequence[IStreamClientEndpoint],
        identity: Identity,
        settings: Settings,
        conversation: Conversation,
        incarnation: int = 0,
    ) -> None:
        self._clock = clock
        self._random = random
        self._turn = turn
        self._endpoints = tuple(endpoints)
        self._identity = identity
        self._settings = settings
        self._conversation = conversation
        self._keep_alive = KeepAlive(clock, settings.keep_alive_interval, settings.keep_alive_limit)
        self._next = 0
        self.incarnation = incarnation

    async def run(self, connected: Deferred[None]) -> None:
        """
        Stay connected until cancelled.

        :param connected: fired at the first registration.
        :raise RequestRefused: no server will have this client.
        :raise NodeUnavailable: nobody could be reached in the first rounds.
        """
        self._keep_alive.start()
        backoff, failures = self._settings.backoff, 0
        try:
            while True:
                link = await self._round()
                if isinstance(link, Link):
                    if not connected.called:
                        connected.callback(None)
                    since = self._clock.seconds()
                    await link.when_lost()
                    if self._clock.seconds() - since >= backoff.most:
                        failures = 0
                elif not connected.called and failures + 1 >= self._settings.rounds:
                    raise link
                await deferLater(self._clock, backoff.pause(failures, self._random))
                failures += 1
        finally:
            self._keep_alive.stop()

    async def _round(self) -> Link | RequestRefused | NodeUnavailable:
        """Try each endpoint once; the connection, or why there is none."""
        problems: list[Exception] = []
        count = len(self._endpoints)
        for number in [(self._next + step) % count for step in range(count)]:
            try:
                link = await self._attempt(self._endpoints[number])
            except CancelledError:
                raise
            except Exception as problem:
                if isinstance(problem, RequestRefused) and problem.code == Code.SUPERSEDED:
                    raise
                self.log.info(
                    "{name} could not connect to {endpoint}: {problem}",
                    name=self._identity.name,
                    endpoint=self._endpoints[number],
                    problem=problem,
                )
                problems.append(problem)
            else:
                self._next = (number + 1) % count
                return link
        refusals = [problem for problem in problems if isinstance(problem, RequestRefused)]
        if len(refusals) == count and all(refusal.code in FINAL for refusal in refusals):
            raise refusals[0]
        if refusals:
            return refusals[0]
        reasons = "; ".join(str(problem) or type(problem).__name__ for problem in problems)
        return NodeUnavailable(f"no server could be reached: {reasons}")

    async def _attempt(self, endpoint: IStreamClientEndpoint) -> Link:
        """Connect to one endpoint and register there."""
        conversation, patience = self._conversation, self._settings.attempt_timeout
        link = Link(
            self._turn,
            self._keep_alive,
            self._settings,
            conversation.frame_received,
            conversation.lost,
        )
        try:
            connecting = connectProtocol(endpoint, link.connection)
            await connecting.addTimeout(patience, self._clock)
            self.incarnation += 1
            request = self._identity.registration(self.incarnation, conversation.held.numbers)
            message = (await conversation.register(link, request, patience)).message
            if not isinstance(message, EventAck) or message.server is None:
                raise NodeUnavailable("the answer to the registration names no server")
        except BaseException:
            link.abort("the attempt to register failed")
            raise
        conversation.registered(link, message.server, message.held)
        return link
