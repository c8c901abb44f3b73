"""
Who may come in: certificates and passwords become permits.

Theory of operation: a peer whose certificate meets a rule may be what that
rule says. One that meets none is asked for user and password where there are
checkers for them (`--auth`), and may then be what the rules about users say.
Where nobody need show anything it depends on what could have been shown: over
TLS a peer may be anything but a proxy, without it anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import UsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import Interface, implementer

from ixproxy.messages import Credentials
from ixproxy.wire.permits import ANYTHING, Grant, Permit

log = Logger()

Attributes = frozenset[tuple[x509.ObjectIdentifier, str | bytes]]

EVERY_USER = "*"


def attributes_of(subject: str) -> Attributes:
    """
    What a rule's subject asks for, such as `CN=proxy1` or `O=Acme,OU=Desktops`.

    :raise ValueError: it is no subject.
    """
    name = x509.Name.from_rfc4514_string(subject)
    found = frozenset((each.oid, each.value) for each in name)
    if not found:
        raise ValueError("it names nothing")
    return found


@dataclass(frozen=True, slots=True)
class Rule:
    """
    One rule: who meets it, and what they may be.

    :ivar subject: all of this must be in the certificate's subject; empty: the
        rule is about a user.
    :ivar user: a user's name; `EVERY_USER`: any.
    """

    grant: Grant
    subject: Attributes = frozenset()
    user: str = ""


@dataclass(frozen=True, slots=True)
class Door:
    """
    What one listener lets in.

    :param checkers: who knows users and passwords; none: nobody is asked.
    :param secured: connections are encrypted.
    """

    rules: Sequence[Rule] = ()
    checkers: Sequence[ICredentialsChecker] = ()
    secured: bool = False
    _portal: Portal | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        if self.checkers:
            portal = Portal(_Realm(), self.checkers)
            object.__setattr__(self, "_portal", portal)

    def permit(self, certificate: x509.Certificate | None) -> Permit:
        """What a peer may be that has shown this certificate, or none."""
        who = ""
        if certificate is not None:
            who = certificate.subject.rfc4514_string()
            shown = frozenset((each.oid, each.value) for each in certificate.subject)
            grants = [rule.grant for rule in self.rules if rule.subject and rule.subject <= shown]
            if grants:
                return Permit(who, tuple(grants))
        if self._portal is not None:
            return Permit(who, must_log_in=True)
        if self.rules:
            return Permit(who)
        return Permit(who, (Grant(),)) if self.secured else ANYTHING

    def log_in(self, credentials: Credentials | None) -> Deferred[Permit]:
        """
        What a user may be.

        :return: fails with UnauthorizedLogin, whatever is wrong.
        """
        if self._portal is None or credentials is None:
            return fail(UnauthorizedLogin("user and password are needed"))
        given = UsernamePassword(credentials.user.encode(), credentials.password.encode())
        entering: Deferred[Any] = self._portal.login(given, None, IUser)
        return entering.addCallbacks(lambda _: self._user(credentials.user), _unauthorized)

    def _user(self, name: str) -> Permit:
        rules = [rule for rule in self.rules if rule.user]
        grants = [rule.grant for rule in rules if rule.user in (name, EVERY_USER)]
        return Permit(f"user {name}", tuple(grants) if rules else (Grant(),))


def _unauthorized(failure: Failure) -> Failure:
    """A checker that fails knows nobody; why is for the operator alone."""
    if not failure.check(UnauthorizedLogin):
        log.failure("A checker of --auth failed", failure=failure)
    return Failure(UnauthorizedLogin("user or password is wrong"))


OPEN = Door()
"""Lets everybody in, as anything: where the network is trusted."""


class IUser(Interface):
    """What the portal gives for a user: nothing but that there is one."""


@implementer(IRealm)
class _Realm:
    """Every user that a checker knows may come in; rules say as what."""

    def requestAvatar(self, avatarId: object, mind: object, *interfaces: object) -> Any:
        """The framework has found the user."""
        return IUser, avatarId, lambda: None
