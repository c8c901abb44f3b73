"""Mistakes in who can trust whom: certificates, and what `allow` lets in."""

from __future__ import annotations

from tests.config_cases import Case, case

TRUST = "design 12, security"
TLS = 'certificate = "a.pem"\nprivate-key = "a.key"\ntrust = "ca.pem"'
UNVERIFIED = 'certificate = "a.pem"\nprivate-key = "a.key"'
PROXY_RULE = 'subject = "CN=media"\nclient-types = ["Proxy"]'

MISTAKES_OF_TRUST: tuple[Case, ...] = (
    case(
        "A client certificate is demanded only where it can be verified",
        TRUST,
        {"applications.proxy2.tls": f"{UNVERIFIED}\nrequire-client-certificate = true"},
        "line 97: [applications.proxy2.tls] trust: expected trust: without authorities no client"
        " certificate can be verified",
    ),
    case(
        "Subjects are verified by authorities",
        TRUST,
        {"applications.proxy2.tls": UNVERIFIED, "[applications.proxy2.allow]": PROXY_RULE},
        "line 97: [applications.proxy2.tls] trust: expected trust: without authorities no subject"
        " can be verified",
    ),
    case(
        "Subjects need certificates",
        TRUST,
        {"[applications.proxy2.allow]": PROXY_RULE},
        "line 97: [applications.proxy2] allow: expected a tls table: without certificates nobody"
        " has a subject",
    ),
    case(
        "A backup verifies what its primary allows",
        TRUST,
        {"applications.media.tls": TLS, "[applications.media.allow]": PROXY_RULE},
        'line 91: [applications.media-b] tls: expected a tls table: "media" allows by subjects of'
        " certificates",
    ),
    case(
        "A rule says who is meant: a subject or a user",
        TRUST,
        {"applications.proxy2.tls": TLS, "[applications.proxy2.allow]": 'client-types = ["Proxy"]'},
        "line 101: [applications.proxy2.allow#1]: expected either the subject of a certificate or"
        " a user",
    ),
    case(
        "A subject is a subject",
        TRUST,
        {"applications.proxy2.tls": TLS, "[applications.proxy2.allow]": 'subject = "media"'},
        'line 102: [applications.proxy2.allow#1] subject: the text "media": expected a subject'
        ' such as "CN=proxy1" or "O=Acme,OU=Desks"',
    ),
    case(
        "No user is a proxy",
        TRUST,
        {"[applications.proxy2.allow]": 'user = "kim"\nclient-types = ["Proxy"]'},
        "line 99: [applications.proxy2.allow#1] client-types: a proxy shows a certificate; a user"
        " cannot be one",
    ),
    case(
        "TLS is spoken over TCP",
        TRUST,
        {
            "applications.proxy2": 'listen = "unix:/run/proxy2"\nendpoint = "unix:/run/proxy2"',
            "applications.proxy2.tls": TLS,
        },
        "line 71: [applications.proxy2] listen: expected TCP: over a UNIX socket there is no TLS,"
        " and no need of it",
    ),
    case(
        "A server with TLS is reached over TCP",
        TRUST,
        {
            "applications.proxy2": (
                'listen = "systemd:INET:index=0"\nendpoint = "unix:/run/proxy2"'
            ),
            "applications.proxy2.tls": TLS,
        },
        "line 72: [applications.proxy2] endpoint: expected TCP: over a UNIX socket there is no"
        " TLS, and no need of it",
    ),
    case(
        "A node verifies an ESP server with TLS",
        TRUST,
        {
            "applications.esp": 'type = "Third Party Server"\nendpoint = "tcp:10.0.0.9:1"',
            "applications.esp.tls": TLS,
            "applications.ixn1": 'connections = ["esp"]',
            "applications.ixn2": 'connections = ["esp"]',
        },
        'line 19: [applications.ixn1] tls: expected a tls table: "esp" listens with TLS and must'
        " be verified",
        'line 35: [applications.ixn2] tls: expected a tls table: "esp" listens with TLS and must'
        " be verified",
    ),
    case(
        "A proxy shows a certificate to a server with TLS",
        TRUST,
        {
            "applications.proxy2": 'connections = ["media"]',
            "applications.media.tls": TLS,
            "applications.media-b.tls": TLS,
            "[applications.media.allow]": PROXY_RULE,
        },
        'line 66: [applications.proxy2] tls: expected a tls table: "media" listens with TLS and'
        " must see a certificate",
    ),
    case(
        "A server with TLS says which certificates are proxies'",
        TRUST,
        {
            "applications.proxy2": 'connections = ["media"]',
            "applications.proxy2.tls": TLS,
            "applications.media.tls": TLS,
            "applications.media-b.tls": TLS,
        },
        'line 81: [applications.media] allow: expected a rule with client-types "Proxy": "proxy2"'
        " connects, and over TLS a proxy needs an allowed certificate",
    ),
)
