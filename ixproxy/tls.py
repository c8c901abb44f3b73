"""
Certificates and keys become what OpenSSL needs, and its errors become words.

Everything that can be wrong with the files is found when they are read, before
anything listens: a server that starts is one that its clients can verify.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from OpenSSL import SSL
from OpenSSL.crypto import X509

from ixproxy.errors import IxproxyError
from ixproxy.values import TlsFiles


class TlsProblem(IxproxyError):
    """
    A certificate, a key or a peer cannot be used.

    :ivar key: the key of the `tls` table that it is about; "": none.
    """

    def __init__(self, description: str, key: str = "") -> None:
        super().__init__(description)
        self.description = description
        self.key = key


@dataclass(frozen=True, slots=True)
class Credential:
    """
    What a program shows of itself, and whom it trusts.

    :ivar chain: the certificate and those that lead to its authority; empty:
        none is shown.
    :ivar trust: authorities; empty: those of the system.
    """

    chain: tuple[x509.Certificate, ...]
    key: PrivateKeyTypes | None
    trust: tuple[x509.Certificate, ...]
    demands_certificates: bool = False

    @property
    def expires(self) -> datetime | None:
        """When the certificate ends, in UTC."""
        return self.chain[0].not_valid_after_utc if self.chain else None


def read_credential(files: TlsFiles, now: datetime) -> Credential:
    """
    Read and check the files of a `tls` table.

    :raise TlsProblem: a file cannot be read, is not what it should be, has
        ended or not begun; or the key is not that of the certificate.
    """
    chain: Sequence[x509.Certificate] = ()
    key = None
    if files.certificate:
        chain = _certificates(files.certificate, "certificate")
        _check_time(chain[0], files.certificate, now)
        key = _private_key(files.private_key)
        if _public(key) != _public(chain[0]):
            text = f"{files.private_key}: is not the key of the certificate {files.certificate}"
            raise TlsProblem(text, "private-key")
    trust = _certificates(files.trust, "trust") if files.trust else ()
    return Credential(tuple(chain), key, tuple(trust), files.require_client_certificate)


def _read(path: str, key: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as problem:
        raise TlsProblem(f"{path}: cannot be read: {problem.strerror}", key) from problem


def _certificates(path: str, key: str) -> Sequence[x509.Certificate]:
    pem = _read(path, key)
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as problem:
        raise TlsProblem(f"{path}: expected certificates in PEM form: {problem}", key) from problem


def _private_key(path: str) -> PrivateKeyTypes:
    pem = _read(path, "private-key")
    try:
        return serialization.load_pem_private_key(pem, None)
    except TypeError as problem:
        text = f"{path}: expected a private key without a password"
        raise TlsProblem(text, "private-key") from problem
    except ValueError as problem:
        text = f"{path}: expected a private key in PEM form"
        raise TlsProblem(text, "private-key") from problem


def _public(of: PrivateKeyTypes | x509.Certificate) -> bytes:
    return of.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _check_time(certificate: x509.Certificate, path: str, now: datetime) -> None:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now > ends:
        raise TlsProblem(f"{path}: the certificate expired at {ends:%Y-%m-%d %H:%M}", "certificate")
    if now < begins:
        text = f"{path}: the certificate is not valid before {begins:%Y-%m-%d %H:%M}"
        raise TlsProblem(text, "certificate")


def server_context(credential: Credential) -> SSL.Context:
    """
    For a listener: TLS 1.2 or newer; a client's certificate is asked for where
    there are authorities to verify it by, and demanded if the table says so.
    """
    context = _context(credential)
    if credential.trust:
        demand = SSL.VERIFY_FAIL_IF_NO_PEER_CERT if credential.demands_certificates else 0
        context.set_verify(SSL.VERIFY_PEER | demand, _verified)
        for authority in credential.trust:
            context.add_client_ca(authority)
    return context


def client_context(credential: Credential) -> SSL.Context:
    """For a connection to a server, whose certificate is always verified."""
    context = _context(credential)
    if not credential.trust:
        context.set_default_verify_paths()
    context.set_verify(SSL.VERIFY_PEER, _verified)
    return context


def _context(credential: Credential) -> SSL.Context:
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION | SSL.OP_NO_TICKET)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    if credential.chain and credential.key is not None:
        context.use_certificate(credential.chain[0])
        for certificate in credential.chain[1:]:
            context.add_extra_chain_cert(certificate)
        context.use_privatekey(credential.key)  # type: ignore[arg-type]  # any kind that PEM has
    store = context.get_cert_store()
    assert store is not None
    for authority in credential.trust:
        store.add_cert(X509.from_cryptography(authority))
    return context


def _verified(
    connection: SSL.Connection, certificate: Any, error: int, depth: int, ok: int
) -> bool:
    """OpenSSL looked at one certificate of a peer: what is wrong with it is kept for `explain`."""
    if not ok and connection.get_app_data() is None:
        said = _VERIFY.get(error, f"cannot be verified (X509_V_ERR {error})")
        if depth and said != _UNTRUSTED:
            said = f"is from an authority whose own certificate {said}"
        connection.set_app_data(f"its certificate {said}")
    return bool(ok)


_UNTRUSTED = "is not from an authority that is trusted here"
_VERIFY = {
    2: _UNTRUSTED,
    7: "has a wrong signature",
    9: "is not valid yet",
    10: "has expired",
    18: _UNTRUSTED,
    19: _UNTRUSTED,
    20: _UNTRUSTED,
    21: _UNTRUSTED,
    23: "was revoked",
    24: "may not sign others",
    26: "is not meant for this end of a connection",
    66: "has a key that is too weak",
    67: "has a key that is too weak",
    68: "has a signature that is too weak",
}
"""What OpenSSL's numbers of verification errors mean, said of a certificate."""

_ALERTS = {
    "certificate required": "it demands a certificate, and none was shown to it",
    "bad certificate": "it does not accept the certificate that was shown to it",
    "unsupported certificate": "it does not accept the certificate that was shown to it",
    "certificate revoked": "it says that our certificate was revoked",
    "certificate expired": "it says that our certificate has expired",
    "certificate unknown": "it does not accept the certificate that was shown to it",
    "unknown ca": "it does not trust the authority of our certificate",
    "protocol version": "it does not speak TLS 1.2 or newer",
    "handshake failure": "it agrees to no cipher, or demands a certificate",
}
"""What a peer's TLS alerts mean, said of that peer."""

_PLAIN = ("wrong version number", "http request", "packet length too long", "record layer failure")


def explain(problem: SSL.Error, connection: SSL.Connection) -> str:
    """What made a TLS connection fail, said of the peer."""
    if (said := connection.get_app_data()) is not None:
        return str(said)
    if isinstance(problem, SSL.SysCallError):
        return "it closed the connection without an end of TLS"
    found = problem.args[0] if problem.args else []
    reasons = [str(entry[-1]) for entry in found if entry] if isinstance(found, list) else []
    for reason in reasons:
        if "alert " in reason:
            alert = reason.partition("alert ")[2]
            return _ALERTS.get(alert, f"it sent the TLS alert {alert!r}")
        if reason in _PLAIN:
            return "it does not speak TLS"
        if reason == "unsupported protocol":
            return "it does not speak TLS 1.2 or newer"
        if reason == "peer did not return a certificate":
            return "it shows no certificate"
        if reason == "unexpected eof while reading":
            return "it closed the connection without an end of TLS"
    return f"TLS failed: {'; '.join(reasons) or 'for no reason that is known'}"
