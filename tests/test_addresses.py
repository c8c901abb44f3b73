from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.endpoints import clientFromString, quoteStringArgument, serverFromString
from twisted.internet.testing import MemoryReactorClock

from ixproxy.addresses import (
    Address,
    connect_address,
    endpoint_of,
    everywhere,
    listen_address,
    quoted,
)

LISTENING = {
    "tcp:7001": Address("tcp", "", 7001),
    "tcp:port=7001": Address("tcp", "", 7001),
    "tcp:7001:interface=127.0.0.1": Address("tcp", "127.0.0.1", 7001),
    "tcp:7001:interface=127.0.0.1:backlog=9": Address("tcp", "127.0.0.1", 7001),
    "tcp:0": Address("tcp", "", 0),
    "tcp6:7001:interface=\\:\\:1": Address("tcp6", "::1", 7001),
    "unix:/run/ixn1.sock": Address("unix", path="/run/ixn1.sock"),
    "unix:/run/a\\:b.sock:mode=660": Address("unix", path="/run/a:b.sock"),
}
CONNECTING = {
    "tcp:node-a.example:7101": Address("tcp", "node-a.example", 7101),
    "tcp:host=node-a.example:port=7101": Address("tcp", "node-a.example", 7101),
    "tcp:10.0.0.1:7101:timeout=5": Address("tcp", "10.0.0.1", 7101),
    "tcp:\\:\\:1:7101": Address("tcp", "::1", 7101),
    "unix:/run/ixn1.sock:lockfile=1": Address("unix", path="/run/ixn1.sock"),
}


@pytest.mark.parametrize("text", LISTENING)
def test_twisted_listens_on_what_is_understood_as_an_address(text: str) -> None:
    assert listen_address(text) == LISTENING[text]
    assert serverFromString(MemoryReactorClock(), text) is not None


@pytest.mark.parametrize("text", CONNECTING)
def test_twisted_connects_to_what_is_understood_as_an_endpoint(text: str) -> None:
    assert connect_address(text) == CONNECTING[text]
    assert clientFromString(MemoryReactorClock(), text) is not None


def test_a_socket_of_systemd_is_named_or_counted_and_not_both() -> None:
    assert listen_address("systemd:domain=INET:index=0").path == "0"
    assert listen_address("systemd:domain=INET:name=door").path == "door"
    with pytest.raises(ValueError, match="either the index or the name"):
        listen_address("systemd:domain=INET")
    with pytest.raises(ValueError, match="INET, INET6, UNIX"):
        listen_address("systemd:domain=NET:index=0")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", 'begins with "tcp:"'),
        ("7001", 'begins with "tcp:"'),
        ("udp:7001", 'begins with "tcp:"'),
        ("tcp", "port is missing"),
        ("tcp:", "port is missing"),
        ("tcp:x", "a number from 0 to 65535"),
        ("tcp:-1", "a number from 0 to 65535"),
        ("tcp:65536", "a number from 0 to 65535"),
        ("tcp:\u0667", "a number from 0 to 65535"),
        ("tcp:7001:interfase=127.0.0.1", "'interfase' is not one of them"),
        ("tcp:7001:port=7001", "port is given twice"),
        ("tcp:7001:a:1:b", "where it stands"),
        ("tcp:7001:backlog=0", "for backlog a number"),
        ("tcp:7001\\", "after the backslash"),
        ("tcp:70\n01", "printable"),
        ("ssl:7001:privateKey=a.pem", "certificates stand in the tls table"),
        ("tls:7001", "certificates stand in the tls table"),
        ("unix:", "address is missing"),
        ("unix:/run/x:mode=9", "octal"),
        ("unix:/run/x:lockfile=2", "a number from 0 to 1"),
    ],
)
def test_a_wrong_address_is_told_what_was_expected(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        listen_address(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tcp:7101", "port is missing"),
        ("tcp::7101", "host is missing"),
        ("tcp:a:0", "a number from 1 to 65535"),
        ("tcp:a:7101:5", "where it stands"),
        ("tcp:a:7101:timeout=0", "for timeout"),
        ("tcp6:a:7101", "begins with"),
        ("tls:a:7101", "certificates stand in the tls table"),
    ],
)
def test_a_wrong_endpoint_is_told_what_was_expected(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        connect_address(text)


def test_where_certificates_may_stand_in_it_an_endpoint_begins_with_tls() -> None:
    assert connect_address("tls:a:7101:trustRoots=/ca", tls=True) == Address("tls", "a", 7101)
    assert connect_address("tls:a:7101:5", tls=True).port == 7101
    assert connect_address("unix:/run/a", tls=True) == Address("unix", path="/run/a")
    for text, said in (("tls:a:65536", "from 1 to 65535"), ("ssl:a:1", "certificates stand in")):
        with pytest.raises(ValueError, match=said):
            connect_address(text, tls=True)


@pytest.mark.parametrize(
    ("listen", "endpoint"),
    [
        ("tcp:7001", "tcp:127.0.0.1:7001"),
        ("tcp:7001:interface=0.0.0.0", "tcp:127.0.0.1:7001"),
        ("tcp:7001:interface=10.0.0.1", "tcp:10.0.0.1:7001"),
        ("tcp6:7001", "tcp:\\:\\:1:7001"),
        ("unix:/run/a\\:b", "unix:/run/a\\:b"),
        ("tcp:7001:interface=a=b", "tcp:host=a=b:7001"),
        ("unix:address=/run/a=b", "unix:path=/run/a=b"),
        ("tcp:0", ""),
        ("systemd:domain=INET:index=0", ""),
    ],
)
def test_a_host_knows_how_to_reach_its_own_listener(listen: str, endpoint: str) -> None:
    assert endpoint_of(listen_address(listen)) == endpoint
    if endpoint:
        connect_address(endpoint)


def test_a_listener_without_an_interface_takes_its_port_everywhere() -> None:
    assert everywhere(listen_address("tcp:7001"))
    assert everywhere(listen_address("tcp6:7001:interface=\\:\\:"))
    assert not everywhere(listen_address("tcp:7001:interface=127.0.0.1"))
    assert not everywhere(listen_address("unix:/run/x"))


@given(st.text("ab:\\=/é", min_size=1, max_size=20))
def test_a_quoted_path_comes_back_whole(path: str) -> None:
    assert connect_address(f"unix:path={quoted(path)}").path == path
    assert quoted(path) == quoteStringArgument(path)


@given(st.text("tcpunix:=\\0127host/", max_size=40))
def test_any_text_is_an_address_or_a_value_error(text: str) -> None:
    for understood in (listen_address, connect_address):
        with suppress(ValueError):
            assert understood(text).kind in ("tcp", "tcp6", "unix", "systemd")
