"""Certificates and passwords become permits."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.cred.checkers import ICredentialsChecker, InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred
from zope.interface import implementer

from ixproxy.messages import Credentials
from ixproxy.net.door import EVERY_USER, OPEN, Door, Rule, attributes_of
from ixproxy.testing.certificates import Authority
from ixproxy.values import ClientType
from ixproxy.wire.permits import ANYTHING, Grant, Permit
from tests.deferreds import failure_of, result_of
from tests.failures import LoggedFailures

MEDIA = Grant(frozenset({ClientType.MEDIA_SERVER}))
AGENT = Grant(frozenset({ClientType.AGENT_APPLICATION}), frozenset({1}))
PROXY = Grant(frozenset({ClientType.PROXY}))
AUTHORITY = Authority("Trial CA")
MAIL = AUTHORITY.issue("mail", organization="Acme").certificate


def rule(grant: Grant, subject: str = "", user: str = "") -> Rule:
    return Rule(grant, attributes_of(subject) if subject else frozenset(), user)


def users(**passwords: str) -> ICredentialsChecker:
    database: Any = InMemoryUsernamePasswordDatabaseDontUse()
    for name, password in passwords.items():
        database.addUser(name.encode(), password.encode())
    checker: ICredentialsChecker = database
    return checker


def test_without_tls_and_rules_everybody_may_be_anything() -> None:
    assert OPEN.permit(None) == ANYTHING


def test_over_tls_without_rules_nobody_may_be_a_proxy() -> None:
    door = Door(secured=True)
    assert door.permit(None) == Permit("", (Grant(),))
    assert door.permit(MAIL) == Permit("O=Acme,CN=mail", (Grant(),))


@pytest.mark.parametrize(
    ("subject", "meets"),
    [
        ("CN=mail", True),
        ("O=Acme", True),
        ("CN=mail,O=Acme", True),
        ("O=Acme,CN=mail", True),
        ("CN=mail2", False),
        ("CN=mail,O=Other", False),
        ("CN=Mail", False),
        ("O=mail", False),
    ],
)
def test_a_rule_asks_for_parts_of_the_subject_in_any_order(subject: str, meets: bool) -> None:
    permit = Door([rule(MEDIA, subject)], secured=True).permit(MAIL)
    assert permit == Permit("O=Acme,CN=mail", (MEDIA,) if meets else ())


def test_all_rules_that_are_met_count() -> None:
    door = Door([rule(MEDIA, "CN=mail"), rule(PROXY, "CN=proxy1"), rule(AGENT, "O=Acme")])
    assert door.permit(MAIL).grants == (MEDIA, AGENT)


def test_where_there_are_rules_who_meets_none_may_be_nothing() -> None:
    door = Door([rule(PROXY, "CN=proxy1")], secured=True)
    assert door.permit(MAIL) == Permit("O=Acme,CN=mail")
    assert door.permit(None) == Permit()


def test_a_certificate_that_meets_a_rule_needs_no_password_and_others_do() -> None:
    door = Door([rule(PROXY, "CN=mail")], [users(kim="secret")], secured=True)
    assert door.permit(MAIL) == Permit("O=Acme,CN=mail", (PROXY,))
    assert door.permit(None).must_log_in


def test_a_user_may_be_what_the_rules_about_users_say() -> None:
    rules = [rule(MEDIA, user="kim"), rule(AGENT, user=EVERY_USER)]
    door = Door(rules, [users(kim="secret", lee="other")])
    kim, lee = (Credentials(user=name, password=word) for name, word in
                (("kim", "secret"), ("lee", "other")))  # fmt: skip
    assert result_of(door.log_in(kim)) == Permit("user kim", (MEDIA, AGENT))
    assert result_of(door.log_in(lee)) == Permit("user lee", (AGENT,))


def test_without_rules_about_users_one_may_be_anything_but_a_proxy() -> None:
    door = Door([rule(PROXY, "CN=proxy1")], [users(kim="secret")])
    permit = result_of(door.log_in(Credentials(user="kim", password="secret")))
    assert permit == Permit("user kim", (Grant(),))


@pytest.mark.parametrize(
    "credentials",
    [None, Credentials(), Credentials(user="kim", password="x"), Credentials(user="no\x00body")],
)
def test_who_is_not_known_is_refused_whatever_is_wrong(credentials: Credentials | None) -> None:
    door = Door(checkers=[users(kim="secret")])
    failure_of(door.log_in(credentials), UnauthorizedLogin)
    failure_of(OPEN.log_in(credentials), UnauthorizedLogin)


@implementer(ICredentialsChecker)
class Broken:
    credentialInterfaces = (IUsernamePassword,)

    def requestAvatarId(self, credentials: object) -> Deferred[bytes | tuple[()]]:
        raise OSError("the directory is away")


def test_a_checker_that_fails_is_logged_and_tells_the_peer_nothing(
    logged_failures: LoggedFailures,
) -> None:
    entering = Door(checkers=[Broken()]).log_in(Credentials(user="kim", password="secret"))
    refused = failure_of(entering, UnauthorizedLogin)
    assert str(refused) == "user or password is wrong"
    assert logged_failures.flush(OSError)


def test_a_subject_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError):
        attributes_of("proxy1")
    with pytest.raises(ValueError, match="names nothing"):
        attributes_of("")
