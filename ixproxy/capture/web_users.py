"""Who may use the web service: HTTP Basic authentication against a file of users."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.cred.checkers import FilePasswordDB
from twisted.cred.error import LoginFailed
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.guard import BasicCredentialFactory
from zope.interface import Interface, implementer

from ixproxy.capture.web_values import Asked
from ixproxy.errors import ConfigError, ConfigProblem

log = Logger()

REALM = "ixproxy"
CHALLENGE = ("WWW-Authenticate", f'Basic realm="{REALM}", charset="UTF-8"')


class IUser(Interface):
    """Somebody who is known; there is nothing to be had from him."""


@implementer(IUser)
class _User:
    """One."""


@implementer(IRealm)
class _Realm:
    def requestAvatar(self, avatarId: object, mind: object, *interfaces: object) -> Any:
        """A user logged in."""
        return IUser, _User(), lambda: None


class Users:
    """
    The users of a file with lines `name:password`; it is read again when it changes.

    :raise ConfigError: it cannot be read, or a line is none of those.
    """

    def __init__(self, path: str) -> None:
        _check(path)
        self._portal = Portal(_Realm(), [FilePasswordDB(path, cache=True)])
        self._basic = BasicCredentialFactory(REALM.encode())

    def knows(self, asked: Asked) -> Deferred[bool]:
        """Whether a request names a user and his password; fires always with an answer."""
        scheme, _, given = asked.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return succeed(False)
        try:
            credentials = self._basic.decode(given.strip().encode("latin-1", "replace"), None)
        except LoginFailed:
            return succeed(False)
        entering: Deferred[Any] = self._portal.login(credentials, None, IUser)
        return entering.addCallbacks(lambda _: True, self._unknown)

    def _unknown(self, failure: Failure) -> bool:
        if not failure.check(LoginFailed):
            # What is wrong with the file is the operator's to know of.
            log.failure("Nobody can be let in", failure=failure)
        return False


def _check(path: str) -> None:
    try:
        lines = Path(path).read_bytes().splitlines()
    except OSError as problem:
        text = f"{path}: cannot be read: {problem.strerror}"
        raise ConfigError([ConfigProblem("", "users-file", text)]) from problem
    for number, line in enumerate(lines, 1):
        name, colon, password = line.partition(b":")
        if line.strip() and not (name and colon and password and b":" not in password):
            text = f"{path}: line {number}: expected name:password, without more colons"
            raise ConfigError([ConfigProblem("", "users-file", text)])
