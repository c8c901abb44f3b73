"""From the file to certificates and doors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from twisted.logger import capturedLogs, formatEvent

from ixproxy.config import Deployment, check
from ixproxy.errors import ConfigError
from ixproxy.net.door import Door, Rule, attributes_of
from ixproxy.tap_trust import credential_of, door_of, trust_changes, warn_of_passwords
from ixproxy.testing.certificates import Authority
from ixproxy.tls import Credential
from ixproxy.values import ClientType
from ixproxy.wire.permits import ANY_CLIENT, Grant
from tests.deployments import EVERYTHING, SMALL, changed
from tests.net.test_door import users

KIM = (users(kim="secret"),)


def deployment(text: str, directory: Path | None = None) -> Deployment:
    found = check(text, directory).deployment
    assert found is not None
    return found


def test_a_server_without_a_tls_table_shows_nothing() -> None:
    assert credential_of(deployment(SMALL).node("ixn1")) is None


def test_a_certificate_is_read_and_what_is_wrong_with_it_has_its_place(tmp_path: Path) -> None:
    node = deployment(EVERYTHING, tmp_path).node("ixn1")
    with pytest.raises(
        ConfigError, match=r"\[applications.ixn1.tls\] certificate: .*ixn1.pem: can"
    ):
        credential_of(node)
    authority = Authority("CA")
    authority.issue("ixn1").write(tmp_path, "ixn1")
    with pytest.raises(ConfigError, match=r"\[applications.ixn1.tls\] trust: .*ca.pem: cannot"):
        credential_of(node)
    authority.write(tmp_path / "ca.pem")
    found = credential_of(node)
    assert found is not None
    assert found.demands_certificates
    assert found.trust == (authority.certificate,)


def test_a_door_has_the_rules_of_the_file() -> None:
    everything = deployment(EVERYTHING)
    door = door_of(everything, everything.node("ixn1"))
    proxy = Grant(frozenset({ClientType.PROXY}), frozenset({1}))
    media = Grant(frozenset({ClientType.MEDIA_SERVER}))
    assert door.secured
    assert list(door.rules) == [
        Rule(proxy, attributes_of("CN=proxy1")),
        Rule(media, attributes_of("CN=mail")),
    ]
    door = door_of(everything, everything.proxy("proxy1"), KIM)
    assert door.rules[1] == Rule(Grant(ANY_CLIENT), user="*")


def test_a_backup_has_the_door_of_its_primary() -> None:
    everything = deployment(EVERYTHING)
    assert door_of(everything, everything.node("ixn1-b")) == door_of(
        everything, everything.node("ixn1")
    )


def test_rules_about_users_need_somebody_who_knows_them() -> None:
    everything = deployment(EVERYTHING)
    with pytest.raises(ConfigError, match=r"\[applications.proxy1\] allow: .* --auth must say who"):
        door_of(everything, everything.proxy("proxy1-b"))


@pytest.mark.parametrize(("text", "warned"), [(SMALL, True), (EVERYTHING, False)])
def test_passwords_in_the_clear_are_warned_of(text: str, warned: bool) -> None:
    with capturedLogs() as logged:
        warn_of_passwords(deployment(text).node("ixn1"), KIM)
        warn_of_passwords(deployment(text).node("ixn1"), ())
    assert [formatEvent(event) for event in logged] == [
        "ixn1 has no tls table: passwords travel in the clear"
    ] * warned


def test_what_changes_in_trust_is_told_in_words() -> None:
    authority = Authority("CA")
    issued = [authority.issue("ixn1") for _ in range(2)]
    old, new = (Credential((each.certificate,), each.key, ()) for each in issued)
    trusting = replace(new, trust=(authority.certificate,), demands_certificates=True)
    door, other = Door(), Door([Rule(Grant(), user="kim")])
    assert trust_changes(old, old, door, door) == []
    assert trust_changes(None, None, door, door) == []
    assert trust_changes(old, trusting, door, other) == [
        f"certificate renewed, valid until {new.expires:%Y-%m-%d %H:%M} UTC",
        "other authorities are trusted",
        "client certificates are demanded",
        "allow: 0 -> 1 rules, or others",
    ]
    assert trust_changes(trusting, replace(trusting, demands_certificates=False), door, door) == [
        "client certificates are not demanded any more"
    ]


def test_the_small_file_is_still_open_to_everybody() -> None:
    small = deployment(changed(SMALL, {"[applications.proxy1]": "[applications.proxy1]"}))
    assert not door_of(small, small.proxy("proxy1")).rules
