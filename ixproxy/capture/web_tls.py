"""
HTTPS: what new connections begin with, read again when its files were changed.

A certificate is renewed every few weeks, and nobody wants to restart for that.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime

from OpenSSL import SSL
from twisted.internet.interfaces import (
    IOpenSSLServerConnectionCreator,
    IProtocolFactory,
    IReactorTime,
)
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from zope.interface import implementer

from ixproxy.errors import ConfigError, ConfigProblem
from ixproxy.tls import TlsProblem, read_credential, server_context
from ixproxy.values import TlsFiles

log = Logger()

LOOK_SECONDS = 60.0
"""How seldom the files are looked at, and that only when somebody connects."""


@implementer(IOpenSSLServerConnectionCreator)
class Certificates:
    """
    The credential in some files.

    :param now: seconds since the epoch.
    :raise ConfigError: they cannot be used.
    """

    def __init__(self, files: TlsFiles, now: float) -> None:
        self._files = files
        self._stamp = self._stamps()
        try:
            self._context = self._read(now)
        except TlsProblem as problem:
            found = ConfigProblem("", problem.key, problem.description)
            raise ConfigError([found]) from problem
        self._looked = now
        self._clock: IReactorTime | None = None

    def wrap(self, factory: IProtocolFactory, clock: IReactorTime) -> IProtocolFactory:
        """`factory` over TLS."""
        self._clock = clock
        self._looked = clock.seconds()
        return TLSMemoryBIOFactory(self, False, factory, clock)

    def serverConnectionForTLS(self, protocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """The framework accepted a connection."""
        assert self._clock is not None
        now = self._clock.seconds()
        if now - self._looked >= LOOK_SECONDS:
            self._looked = now
            self._look(now)
        return SSL.Connection(self._context, None)

    def _look(self, now: float) -> None:
        stamp = self._stamps()
        if stamp == self._stamp:
            return
        try:
            self._context = self._read(now)
        except TlsProblem as problem:
            # Half of a pair may be there already, so it is looked at again.
            log.warn("Certificate not renewed: {problem}", problem=problem.description)
            return
        self._stamp = stamp
        log.info("Certificate renewed: {path}", path=self._files.certificate)

    def _read(self, now: float) -> SSL.Context:
        return server_context(read_credential(self._files, datetime.fromtimestamp(now, UTC)))

    def _stamps(self) -> tuple[tuple[int, int], ...]:
        found = []
        for path in (self._files.certificate, self._files.private_key, self._files.trust):
            try:
                about = os.stat(path)
                found.append((about.st_mtime_ns, about.st_ino))
            except OSError:
                found.append((0, 0))
        return tuple(found)
