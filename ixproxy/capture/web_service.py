"""
The web service capture point: a SOAP face and a JSON face on one port of its own.

It tells nothing unasked: whoever wants to know something calls again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, maybeDeferred, succeed
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IDelayedCall, IListeningPort, IStreamServerEndpoint
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ixproxy.capture.iwd_language import IwdLanguage
from ixproxy.capture.json_face import JsonFace
from ixproxy.capture.soap_face import NativeLanguage, SoapFace
from ixproxy.capture.web_answering import Answers
from ixproxy.capture.web_channel import WebFactory
from ixproxy.capture.web_settings import WebSettings, path_of, read_settings
from ixproxy.capture.web_tls import Certificates
from ixproxy.capture.web_users import Users
from ixproxy.interfaces_capture import ICapturePoint, IIntake
from ixproxy.node.intake_work import Said

log = Logger()

LISTEN_AGAIN_SECONDS = 5.0
"""How long to wait before a port that cannot be had is tried again."""

DRAIN_SECONDS = 1.5
"""How long callers may take to be answered at the end; a node waits two seconds for that."""

SERVICE = "WebServiceCapturePoint"

MOST_OF_A_STATE = 300


def make(settings: Mapping[str, object]) -> WebService:
    """
    A web service capture point.

    :param settings: its table; see `web_settings`.
    :raise ixproxy.errors.ConfigError: a setting is unknown or unusable.
    """
    return WebService(read_settings(settings))


@implementer(ICapturePoint)
class WebService:
    """
    The web service, idle until its term begins.

    :param endpoint: makes of a reactor and an endpoint string what listens.
    :ivar wanted: nothing: callers are answered, and told nothing else.
    """

    wanted: frozenset[Said] = frozenset()

    def __init__(
        self,
        settings: WebSettings,
        endpoint: Callable[[Any, str], IStreamServerEndpoint] = serverFromString,
    ) -> None:
        self._settings = settings
        self._endpoint = endpoint
        self._term: _Term | None = None

    def begin(self, intake: IIntake) -> None:
        """The node is primary: listen."""
        self._term = _Term(self._settings, intake, self._endpoint)
        self._term.listen()

    def end(self) -> Deferred[None]:
        """Listen no longer; callers whose documents are on their way are answered first."""
        return succeed(None) if self._term is None else self._term.end()

    def tell(self, notifications: Sequence[Any]) -> Deferred[None]:
        """There is nobody to tell."""
        return succeed(None)

    def figures(self) -> Mapping[str, object]:
        """How it is."""
        return {"state": "idle"} if self._term is None else self._term.figures()


class _Term:
    """From `begin` to `end`."""

    def __init__(
        self,
        settings: WebSettings,
        intake: IIntake,
        endpoint: Callable[[Any, str], IStreamServerEndpoint],
    ) -> None:
        self._endpoint = endpoint
        self._settings = settings
        self._intake = intake
        self._clock = intake.reactor
        self._state = "connecting"
        self._certificates: Certificates | None = None
        self._users: Users | None = None
        self._answers = Answers(intake, settings.busy_timeout)
        self._factory = WebFactory(
            self._clock,
            self._answers,
            settings.max_body,
            settings.max_connections,
            settings.request_timeout,
            settings.idle_timeout,
        )
        self._port: IListeningPort | None = None
        self._opening: Deferred[Any] | None = None
        self._again: IDelayedCall | None = None
        self._is_ending = False

    def figures(self) -> dict[str, object]:
        """How it is."""
        return {
            "state": self._state,
            **asdict(self._answers.counts),
            "in-flight": self._answers.in_flight,
            "waiting": self._answers.waiting,
            "connections": self._factory.connections,
            "turned-away": self._factory.turned_away,
        }

    def listen(self) -> None:
        """Try to, now and later until it is done."""
        self._again = None
        try:
            opening = self._open()
        except Exception as problem:
            # Files can be missing now, and an endpoint string can name anything; another
            # capture point, and the node, have nothing to do with that.
            self._not_listening(str(problem))
            return
        self._opening = opening
        opening.addCallbacks(self._listening, self._failed_to_listen)

    def _open(self) -> Deferred[Any]:
        settings = self._settings
        if settings.users_file and self._answers.users is None:
            self._answers.users = Users(settings.users_file)
        factory: Any = self._factory
        if settings.tls is not None:
            if self._certificates is None:
                self._certificates = Certificates(settings.tls, self._clock.seconds())
            factory = self._certificates.wrap(factory, self._clock)
        opening: Deferred[Any] = self._endpoint(self._clock, settings.listen).listen(factory)
        return opening

    def _listening(self, port: IListeningPort) -> None:
        self._opening = None
        self._port = port
        name = self._intake.name
        address = self._settings.address(name, getattr(port.getHost(), "port", 0))
        faces = self._answers.faces
        faces.json = JsonFace(name) if self._settings.json else None
        settings = self._settings
        language = IwdLanguage(name, settings.queues) if settings.iwd else NativeLanguage()
        faces.soap = SoapFace(language, address, self._clock.seconds, settings.max_body)
        # A balancer may have it elsewhere, and hand on its path or not.
        own = ("Genesys", "Interaction", name, SERVICE)
        faces.soap_paths = frozenset({own, path_of(address)})
        self._state = "connected"
        log.info("Capture point {name} has the endpoint {address}", name=name, address=address)

    def _failed_to_listen(self, failure: Failure) -> None:
        self._opening = None
        if not failure.check(CancelledError):
            self._not_listening(str(failure.value))

    def _not_listening(self, why: str) -> None:
        state = f"connecting: {why}"[:MOST_OF_A_STATE]
        if state != self._state:
            log.error(
                "Capture point {name} cannot listen on {listen}: {why}",
                name=self._intake.name,
                listen=self._settings.listen,
                why=why,
            )
        self._state = state
        if not self._is_ending:
            self._again = self._clock.callLater(LISTEN_AGAIN_SECONDS, self.listen)

    def end(self) -> Deferred[None]:
        """Listen no longer; fires when nobody is connected."""
        self._is_ending = True
        self._state = "ending"
        if self._again is not None:
            self._again.cancel()
        if self._opening is not None:
            self._opening.cancel()
        self._answers.end()
        ended: Deferred[None] = Deferred()
        stopping = maybeDeferred(self._port.stopListening) if self._port else succeed(None)
        stopping.addBoth(lambda _: self._drain(ended))
        return ended

    def _drain(self, ended: Deferred[None]) -> None:
        limit = self._clock.callLater(DRAIN_SECONDS, self._factory.abort)

        def closed() -> None:
            if limit.active():
                limit.cancel()
            self._state = "ended"
            ended.callback(None)

        self._factory.close(closed)
