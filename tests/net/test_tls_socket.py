"""Two ends of a TLS connection over a pair of sockets, driven by hand."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from OpenSSL import SSL

from ixproxy.net.tls_socket import RECORD, TlsSocket
from ixproxy.testing.certificates import Authority, Issued
from ixproxy.tls import Credential, TlsProblem, client_context, read_credential, server_context
from ixproxy.values import TlsFiles

NOW = datetime.now(UTC)
AUTHORITY = Authority("Trial CA")
SERVER = AUTHORITY.issue("server", ("localhost",))


class Pair:
    """A server's and a client's end; `secured` says in which order they got so far."""

    def __init__(self, server: Credential, client: Credential) -> None:
        self.sockets = socket.socketpair()
        for each in self.sockets:
            each.setblocking(False)
        self.secured: list[str] = []
        self.wanted: list[str] = []
        self.server = self._end(0, server_context(server), "server")
        self.client = self._end(1, client_context(client), "client")

    def _end(self, number: int, context: SSL.Context, name: str) -> TlsSocket:
        connection = SSL.Connection(context, self.sockets[number])
        (connection.set_connect_state if number else connection.set_accept_state)()
        return TlsSocket(
            self.sockets[number],
            connection,
            lambda: self.wanted.append(name),
            lambda: self.secured.append(name),
            patient=not number,
        )

    def shake_hands(self) -> None:
        self.client.begin()
        for _ in range(3):
            for end in (self.server, self.client):
                with pytest.raises(BlockingIOError):
                    end.recv(1000)

    def close(self) -> None:
        for each in self.sockets:
            each.close()


def credential(
    issued: Issued | None = None, trust: Authority | None = None, demands: bool = False
) -> Credential:
    chain = (issued.certificate,) if issued else ()
    trusted = (trust.certificate,) if trust else ()
    return Credential(chain, issued.key if issued else None, trusted, demands)


@pytest.fixture
def pair() -> Iterator[Pair]:
    pair = Pair(credential(SERVER), credential(trust=AUTHORITY))
    yield pair
    pair.close()


def test_both_ends_are_told_once_that_they_are_secure_and_then_hear_each_other(pair: Pair) -> None:
    pair.shake_hands()
    assert sorted(pair.secured) == ["client", "server"]
    assert pair.client.send(b"hello") == 5
    assert pair.server.recv(1000) == b"hello"
    assert pair.server.send(memoryview(b"and back")) == 8
    assert pair.client.recv(1000) == b"and back"
    assert pair.client.peer_certificate == SERVER.certificate
    assert pair.server.peer_certificate is None
    assert len(pair.secured) == 2


def test_what_is_sent_is_not_what_travels(pair: Pair) -> None:
    pair.shake_hands()
    pair.client.send(b"a secret")
    assert b"secret" not in pair.sockets[0].recv(1000)


def test_more_than_a_record_goes_at_once_and_a_full_socket_says_how_much_went(pair: Pair) -> None:
    pair.shake_hands()
    large = bytes(range(256)) * 256 * 64
    sent, heard = pair.client.send(large), b""
    assert RECORD < sent < len(large)
    with pytest.raises(BlockingIOError):
        pair.client.send(large[sent:])
    while len(heard) < len(large):
        try:
            heard += pair.server.recv(1 << 16)
        except BlockingIOError:
            sent += pair.client.send(large[sent:])
    assert heard == large


def test_an_end_is_no_bytes_and_a_broken_end_says_so(pair: Pair) -> None:
    pair.shake_hands()
    pair.client.shutdown(socket.SHUT_RDWR)
    assert pair.server.recv(1000) == b""
    assert pair.server.problem == ""


def test_an_end_without_an_end_of_tls_is_a_failure(pair: Pair) -> None:
    pair.shake_hands()
    pair.sockets[1].close()
    with pytest.raises(ConnectionResetError):
        pair.server.recv(1000)
    assert pair.server.problem == "it closed the connection without an end of TLS"
    with pytest.raises(ConnectionResetError):
        pair.server.recv(1000)


def test_a_client_that_trusts_somebody_else_says_why_and_the_server_hears_it() -> None:
    pair = Pair(credential(SERVER), credential(trust=Authority("Other CA")))
    pair.client.begin()
    with pytest.raises(BlockingIOError):
        pair.server.recv(1000)
    with pytest.raises(ConnectionResetError, match="not from an authority that is trusted here"):
        pair.client.recv(1000)
    pair.client.close()
    with pytest.raises(BlockingIOError):
        # The alert: the peer is given time to close, which it has done already.
        pair.server.recv(1000)
    assert pair.server.problem == "it does not trust the authority of our certificate"
    with pytest.raises(ConnectionResetError):
        pair.server.recv(1000)
    pair.close()


def test_a_server_that_refuses_a_client_waits_for_it_to_read_why() -> None:
    demanding = credential(SERVER, AUTHORITY, demands=True)
    pair = Pair(demanding, credential(trust=AUTHORITY))
    pair.client.begin()
    with pytest.raises(BlockingIOError):
        pair.server.recv(1000)
    with pytest.raises(BlockingIOError):
        pair.client.recv(1000)
    # To the client the handshake is done, so it sends what it has to say.
    assert pair.secured == ["client"]
    pair.client.send(b"a registration")
    with pytest.raises(BlockingIOError):
        pair.server.recv(1000)
    assert pair.server.problem == "it shows no certificate"
    with pytest.raises(ConnectionResetError, match="it demands a certificate"):
        pair.client.recv(1000)
    assert pair.secured == ["client"]
    pair.close()


def test_what_secured_raises_ends_the_connection() -> None:
    pair = Pair(credential(SERVER), credential(trust=AUTHORITY))

    def refuse() -> None:
        raise TlsProblem("it is another")

    pair.client._secured = refuse
    pair.client.begin()
    with pytest.raises(BlockingIOError):
        pair.server.recv(1000)
    with pytest.raises(ConnectionResetError, match="it is another"):
        pair.client.recv(1000)
    assert pair.client.problem == "it is another"
    pair.close()


@pytest.mark.parametrize("nonsense", [b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\x1d\xe1" + bytes(28)])
def test_who_speaks_no_tls_is_found_out(nonsense: bytes) -> None:
    pair = Pair(credential(SERVER), credential(trust=AUTHORITY))
    pair.sockets[1].send(nonsense)
    with pytest.raises(BlockingIOError):
        pair.server.recv(1000)
    assert pair.server.problem == "it does not speak TLS"
    pair.close()


def test_an_old_version_of_tls_is_refused_by_both() -> None:
    pair = Pair(credential(SERVER), credential(trust=AUTHORITY))
    old = client_context(credential(trust=AUTHORITY))
    old.set_min_proto_version(SSL.TLS1_1_VERSION)
    old.set_max_proto_version(SSL.TLS1_1_VERSION)
    old.set_cipher_list(b"ALL:@SECLEVEL=0")
    connection = SSL.Connection(old, pair.sockets[1])
    connection.set_connect_state()
    client = TlsSocket(pair.sockets[1], connection, lambda: None, lambda: None, patient=False)
    client.begin()
    if not client.problem:
        with pytest.raises(BlockingIOError):
            pair.server.recv(1000)
        assert pair.server.problem == "it does not speak TLS 1.2 or newer"
    pair.close()


def test_a_handshake_under_way_may_wait_for_the_socket_to_take_something() -> None:
    pair = Pair(credential(SERVER), credential(trust=AUTHORITY))
    filled = 0
    while True:
        try:
            filled += pair.sockets[1].send(bytes(65536))
        except BlockingIOError:
            break
    pair.client.begin()
    assert pair.wanted == ["client"]
    while filled:
        filled -= len(pair.sockets[0].recv(min(filled, 65536)))
    with pytest.raises(BlockingIOError):
        pair.client.send(b"")
    pair.shake_hands()
    assert sorted(pair.secured) == ["client", "server"]
    pair.close()


def test_renewed_files_are_read_anew(tmp_path: Path) -> None:
    files = SERVER.write(tmp_path, "server")
    first = read_credential(files, NOW)
    AUTHORITY.issue("server", ("localhost",), ends=NOW + timedelta(days=9)).write(
        tmp_path, "server"
    )
    again = read_credential(TlsFiles(files.certificate, files.private_key), NOW)
    assert first.expires != again.expires
