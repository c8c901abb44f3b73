"""
Keeps one client connected: endpoint after endpoint, round after round.

Theory of operation: whom to try, and after which pause, is said by the course
(`warm_standby`); there is none inside a round. Each attempt that gets as far as
registering raises the incarnation. A server that cannot take the client now (it
stops, it has too many clients, it is busy) is passed over like one that is not
there. A round in which every endpoint refuses the client for what it is ends the
undertaking, and so does a newer registration of the same session.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from ixproxy.client.conversation import Conversation
from ixproxy.client.link import Link
from ixproxy.client.registration import Identity
from ixproxy.client.settings import Settings
from ixproxy.client.shared import keep_alive, turn_end
from ixproxy.client.warm_standby import Course
from ixproxy.errors import Code, NodeUnavailable, RequestRefused
from ixproxy.messages import EventAck, ServerFacts
from ixproxy.net.connection import OneConnection

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
        course: Course[IStreamClientEndpoint],
        identity: Identity,
        settings: Settings,
        conversation: Conversation,
        incarnation: int = 0,
    ) -> None:
        self._clock = clock
        self._course = course
        self._identity = identity
        self._settings = settings
        self._conversation = conversation
        self._turn = turn_end(clock)
        self._keep_alive = keep_alive(
            clock, settings.keep_alive_interval, settings.keep_alive_limit
        )
        self.incarnation = incarnation
        self.link: Link | None = None
        """The connection, once registered, and while it registers again."""
        self.leaving = False
        """Whether the client says goodbye, and is registered no more."""
        conversation.whole = not incarnation

    async def run(self, connected: Deferred[None]) -> None:
        """
        Stay connected until cancelled.

        :param connected: fired at the first registration.
        :raise RequestRefused: no server will have this client.
        :raise NodeUnavailable: nobody could be reached in the first rounds.
        """
        course, rounds = self._course, 0
        while True:
            link = await self._round()
            if isinstance(link, Link):
                if not connected.called:
                    connected.callback(None)
                since = self._clock.seconds()
                self.link = link
                await link.when_lost()
                self.link = None
                course.lost(self._clock.seconds() - since)
            else:
                rounds += 1
                if not connected.called and rounds >= self._settings.rounds:
                    raise link
                course.failed()
            await deferLater(self._clock, course.pause())

    async def register_again(self, extension: Mapping[str, Any]) -> None:
        """
        Register with these keys in the extension, too, from now on.

        What is asked meanwhile waits, as without a connection. Where there is
        none, the next registration says it.

        :raise RequestRefused: the server does not take it, or has not answered in time; the
            connection is ended, and made again.
        """
        extended = {**self._identity.extension, **extension}
        self._identity = replace(self._identity, extension=extended)
        conversation, link = self._conversation, self._conversation.link
        if link is not None:
            conversation.link = None
            try:
                facts, held = await self._register(link)
            except Exception:
                # Nobody knows as what it is registered: the next connection says it.
                link.abort("it could not register again")
                reason = await link.when_lost()
                conversation.link = link
                conversation.lost(link, reason)
                raise
            if self.leaving:
                conversation.link = link
            else:
                conversation.registered(link, facts, held)

    async def _register(self, link: Link) -> tuple[ServerFacts, Mapping[str, int]]:
        """Register, and once more whenever there is something else to say by then."""
        conversation, patience = self._conversation, self._settings.attempt_timeout
        while True:
            self.incarnation += 1
            said = self._identity
            request = said.registration(self.incarnation, conversation.listed)
            message = (await conversation.register(link, request, patience)).message
            if not isinstance(message, EventAck) or message.server is None:
                raise NodeUnavailable("the answer to the registration names no server")
            if self._identity is said:
                return message.server, message.held

    async def _round(self) -> Link | RequestRefused | NodeUnavailable:
        """Try each endpoint once; the connection, or why there is none."""
        problems: list[Exception] = []
        for endpoint in self._course.round():
            try:
                link = await self._attempt(endpoint)
            except CancelledError:
                raise
            except Exception as problem:
                if isinstance(problem, RequestRefused) and problem.code == Code.SUPERSEDED:
                    raise
                self.log.info(
                    "{name} could not connect to {endpoint}: {problem}",
                    name=self._identity.name,
                    endpoint=endpoint,
                    problem=problem,
                )
                problems.append(problem)
            else:
                self._course.opened(endpoint)
                return link
        refusals = [problem for problem in problems if isinstance(problem, RequestRefused)]
        if len(refusals) == len(problems) and all(refusal.code in FINAL for refusal in refusals):
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
            connecting = endpoint.connect(OneConnection(link.connection))
            connecting.addErrback(_as_cancelled)
            await connecting.addTimeout(patience, self._clock)
            facts, held = await self._register(link)
        except BaseException as problem:
            link.abort("the attempt to register failed")
            if isinstance(problem, RequestRefused) and problem.code == Code.LOST_CONNECTION:
                # Nothing is in doubt: nobody is registered by a connection that is gone.
                raise NodeUnavailable(problem.description) from problem
            if isinstance(problem, TimeoutError):
                raise NodeUnavailable(f"no connection in {patience:g} seconds") from problem
            raise
        conversation.registered(link, facts, held)
        return link


def _as_cancelled(failure: Failure) -> Failure:
    """Endpoints of Twisted have an error of their own for what was cancelled."""
    if failure.check(ConnectingCancelledError):
        raise CancelledError from failure.value
    return failure
