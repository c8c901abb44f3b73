"""Rules about who can trust whom."""

from __future__ import annotations

import pytest

from tests.deployments import EVERYTHING, changed, found

PLAIN_NODE = """\
[tenants.Environment]
id = 1
[tenants.Environment.media-types]
email = {}

[applications.ixn1]
type = "Interaction Server"
dbid = 101
tenants = ["Environment"]
listen = "tcp:7101"
endpoint = "tcp:node-a.example:7101"
store = "sqlite:ixn1.db"

[applications.proxy1]
type = "Interaction Server"
role = "proxy"
listen = "tcp:7001"
connections = ["ixn1"]
"""
NODE_TLS = """
[applications.ixn1.tls]
certificate = "ixn1.pem"
private-key = "ixn1.key"
trust = "ca.pem"
"""
PROXY_TLS = NODE_TLS.replace("ixn1", "proxy1")
RULE = """
[[applications.ixn1.allow]]
subject = "CN=proxy1"
client-types = ["Proxy"]
"""
SECURE = PLAIN_NODE + NODE_TLS + RULE + PROXY_TLS


def test_a_deployment_in_which_everybody_can_trust_everybody_has_no_errors() -> None:
    assert found(EVERYTHING) == []
    assert found(SECURE) == []
    assert found(PLAIN_NODE) == []


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param(
            PLAIN_NODE + NODE_TLS + RULE,
            '[applications.proxy1] tls: expected a tls table: "ixn1" listens with TLS and must see'
            " a certificate",
            id="a proxy shows a certificate where its upstream has TLS",
        ),
        pytest.param(
            PLAIN_NODE + NODE_TLS + PROXY_TLS,
            '[applications.ixn1] allow: expected a rule with client-types "Proxy": "proxy1"'
            " connects, and over TLS a proxy needs an allowed certificate",
            id="a node with TLS says which certificates are proxies'",
        ),
        pytest.param(
            PLAIN_NODE + RULE,
            "[applications.ixn1] allow: expected a tls table: without certificates nobody has a"
            " subject",
            id="subjects need certificates",
        ),
        pytest.param(
            changed(SECURE, {'ixn1.key"\ntrust = "ca.pem"': 'ixn1.key"'}),
            "[applications.ixn1.tls] trust: expected trust: without authorities no subject can be"
            " verified",
            id="subjects need authorities",
        ),
        pytest.param(
            changed(
                PLAIN_NODE + PROXY_TLS,
                {'trust = "ca.pem"': "require-client-certificate = true"},
            ),
            "[applications.proxy1.tls] trust: expected trust: without authorities no client"
            " certificate can be verified",
            id="a demand needs authorities",
        ),
        pytest.param(
            changed(SECURE, {'subject = "CN=proxy1"\n': ""}),
            "[applications.ixn1.allow#1]: expected either the subject of a certificate or a user",
            id="a rule says who is meant",
        ),
        pytest.param(
            changed(SECURE, {'subject = "CN=proxy1"\n': 'subject = "CN=proxy1"\nuser = "kim"\n'}),
            "[applications.ixn1.allow#1]: expected either the subject of a certificate or a user",
            id="a rule is about one thing",
        ),
        pytest.param(
            SECURE + '[[applications.ixn1.allow]]\nuser = "kim"\nclient-types = ["Proxy"]\n',
            "[applications.ixn1.allow#2] client-types: a proxy shows a certificate; a user cannot"
            " be one",
            id="no user is a proxy",
        ),
        pytest.param(
            changed(SECURE, {'subject = "CN=proxy1"': 'subject = "proxy1"'}),
            '[applications.ixn1.allow#1] subject: the text "proxy1": expected a subject such as'
            ' "CN=proxy1" or "O=Acme,OU=Desks"',
            id="a subject is a subject",
        ),
        pytest.param(
            changed(PLAIN_NODE + PROXY_TLS, {'"tcp:7001"': '"unix:/run/proxy1"'}),
            "[applications.proxy1] listen: expected TCP: over a UNIX socket there is no TLS, and"
            " no need of it",
            id="a UNIX socket has no TLS",
        ),
        pytest.param(
            changed(
                PLAIN_NODE + PROXY_TLS,
                {'"tcp:7001"': '"systemd:INET:index=0"\nendpoint = "unix:/run/proxy1"'},
            ),
            "[applications.proxy1] endpoint: expected TCP: over a UNIX socket there is no TLS, and"
            " no need of it",
            id="a UNIX socket is reached without TLS",
        ),
        pytest.param(
            changed(EVERYTHING, {'ixn1-b.key"\ntrust = "ca.pem"': 'ixn1-b.key"'}),
            "[applications.ixn1-b.tls] trust: expected trust: without authorities no subject can"
            " be verified",
            id="a backup verifies as its primary does",
        ),
    ],
)
def test_who_cannot_be_trusted_is_an_error(text: str, error: str) -> None:
    errors = found(text)
    assert any(error in each for each in errors), errors


def test_a_backup_without_tls_cannot_allow_by_subjects() -> None:
    tls = EVERYTHING[EVERYTHING.index("[applications.ixn1-b.tls]") :].partition("\n\n")[0]
    assert any(
        '[applications.ixn1-b] tls: expected a tls table: "ixn1" allows by subjects' in each
        for each in found(changed(EVERYTHING, {tls: ""}))
    )


def test_a_server_that_lets_no_proxy_in_is_reported_once() -> None:
    second = PROXY_TLS.replace("proxy1", "proxy2") + (
        '[applications.proxy2]\ntype = "Interaction Server"\nrole = "proxy"\n'
        'listen = "tcp:7002"\nconnections = ["ixn1"]\n'
    )
    errors = found(PLAIN_NODE + NODE_TLS + PROXY_TLS + second)
    assert len([each for each in errors if 'client-types "Proxy"' in each]) == 1
