from __future__ import annotations

import socket

import pytest

from ixproxy.capture.web_settings import TaskQueues, WebSettings, path_of, read_settings
from ixproxy.errors import ConfigError
from ixproxy.values import TlsFiles

LEAST = {"listen": "tcp:8080"}


def refusal(**given: object) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        read_settings({**LEAST, **{key.replace("_", "-"): value for key, value in given.items()}})
    return [f"{problem.key}: {problem.text}" for problem in refused.value.problems]


def test_an_address_is_enough() -> None:
    assert read_settings(LEAST) == WebSettings(listen="tcp:8080")


def test_everything_can_be_set() -> None:
    assert read_settings(
        {
            "listen": "tcp:8443:interface=127.0.0.1",
            "certificate": "c.pem",
            "private-key": "k.pem",
            "trust": "t.pem",
            "soap-endpoint": "https://balancer/soap",
            "soap-hostname": "ixn1",
            "iwd-compatibility-mode": True,
            "inbound-transformer-parameters": {
                "CompleteQueues": " Done , Other",
                "CancelQueues": "Gone",
                "RestartQueues": "Again",
            },
            "json": False,
            "users-file": "users",
            "max-document-size": 2048,
            "max-connections": 10,
            "request-timeout": 5,
            "idle-timeout": 6.5,
            "busy-timeout": 0,
        }
    ) == WebSettings(
        listen="tcp:8443:interface=127.0.0.1",
        tls=TlsFiles("c.pem", "k.pem", "t.pem", True),
        protocol="https",
        soap_endpoint="https://balancer/soap",
        soap_hostname="ixn1",
        iwd=True,
        queues=TaskQueues("Done", "Gone", "Again"),
        json=False,
        users_file="users",
        max_body=2048,
        max_connections=10,
        request_timeout=5.0,
        idle_timeout=6.5,
        busy_timeout=0.0,
    )


def test_everything_that_is_wrong_is_told_at_once() -> None:
    found = refusal(
        listen="8080",
        certificate="c.pem",
        protocol="ftp",
        soap_endpoint="<Protocol>://<Host>/a",
        soap_hostname=1,
        iwd_compatibility_mode="yes",
        inbound_transformer_parameters={"CancelQueues": " ,", "Color": "red"},
        max_connections=0,
        colour="red",
    )
    assert [line.partition(":")[0] for line in found] == [
        "listen",
        "private-key",
        "protocol",
        "soap-endpoint",
        "soap-hostname",
        "iwd-compatibility-mode",
        "inbound-transformer-parameters.Color",
        "inbound-transformer-parameters.CancelQueues",
        "max-connections",
        "colour",
    ]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"listen": ""}, "listen: expected an address"),
        ({"listen": "ssl:8443"}, "listen: expected an address"),
        ({"listen": "tcp:274881"}, "listen: 'tcp:274881': expected for port a number from"),
        ({"listen": "tcp:http"}, "expected for port a number from 0 to 65535, not 'http'"),
        ({"listen": "tcp:8080:interfase=::1"}, "'interfase' is not one of them"),
        ({"private_key": "k"}, "certificate: expected both"),
        ({"trust": "t"}, "trust: expected a certificate"),
        ({"soap_endpoint": "ixn1/a"}, "soap-endpoint: expected a URL"),
        ({"soap_endpoint": "http://[/a"}, "soap-endpoint: expected a URL"),
        ({"soap_endpoint": "http://ixn1:x/a"}, "soap-endpoint: expected a URL"),
        ({"soap_endpoint": "http://ixn1/"}, "with a path"),
        ({"soap_endpoint": "http://ixn1/a?b"}, "no query"),
        ({"soap_endpoint": "a\nb"}, "soap-endpoint: expected a text"),
        ({"inbound_transformer_parameters": 1}, "expected a table"),
        ({"inbound_transformer_parameters": {"CancelQueues": 1}}, "names of queues"),
        ({"max_document_size": True}, "max-document-size"),
    ],
)
def test_what_is_wrong_is_told_with_what_was_expected(given: dict[str, object], says: str) -> None:
    (line,) = refusal(**given)
    assert says in line


def test_the_address_is_made_of_what_stands_for_its_parts() -> None:
    settings = read_settings({**LEAST, "soap-hostname": "ixn1"})
    assert settings.address("web in", 8080) == (
        "http://ixn1:8080/Genesys/Interaction/web%20in/WebServiceCapturePoint"
    )
    finished = read_settings({**LEAST, "soap-endpoint": "https://balancer/soap"})
    assert finished.address("web-in", 8080) == "https://balancer/soap"


def test_a_server_that_is_not_named_has_the_name_of_its_host() -> None:
    assert f"//{socket.gethostname()}:1/" in read_settings(LEAST).address("a", 1)


def test_a_path_is_its_segments() -> None:
    assert path_of("http://ixn1:1/a%20b/c") == ("a b", "c")
