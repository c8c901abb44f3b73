"""Files of certificates and keys: what is right, and what is said of what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from OpenSSL import SSL

from ixproxy.testing.certificates import Authority
from ixproxy.tls import Credential, TlsProblem, client_context, explain, read_credential
from ixproxy.values import TlsFiles

NOW = datetime.now(UTC)
ROOT = Authority("Trial CA")
SUB = Authority("Trial sub-CA", by=ROOT)


@pytest.fixture
def files(tmp_path: Path) -> TlsFiles:
    issued = SUB.issue("ixn1", ("node-a.example",)).write(tmp_path, "ixn1")
    trust = ROOT.write(tmp_path / "ca.pem")
    return TlsFiles(issued.certificate, issued.private_key, trust, True)


def test_a_credential_has_the_chain_and_the_authorities(files: TlsFiles) -> None:
    found = read_credential(files, NOW)
    assert [str(each.subject.rfc4514_string()) for each in found.chain] == [
        "CN=ixn1", "CN=Trial sub-CA",
    ]  # fmt: skip
    assert found.trust == (ROOT.certificate,)
    assert found.demands_certificates
    assert found.expires == found.chain[0].not_valid_after_utc


def test_without_files_nothing_is_shown_and_the_system_is_trusted() -> None:
    assert read_credential(TlsFiles(), NOW) == Credential((), None, ())
    assert read_credential(TlsFiles(), NOW).expires is None


def gone(files: TlsFiles) -> None:
    Path(files.certificate).unlink()


def no_certificate(files: TlsFiles) -> None:
    Path(files.certificate).write_text("hello")


def no_key(files: TlsFiles) -> None:
    Path(files.private_key).write_text("hello")


def another_key(files: TlsFiles) -> None:
    other = SUB.issue("other").write(Path(files.certificate).parent, "other")
    Path(files.private_key).write_bytes(Path(other.private_key).read_bytes())


def locked_key(files: TlsFiles) -> None:
    key = SUB.issue("ixn1").key
    Path(files.private_key).write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )


def expired(files: TlsFiles) -> None:
    ends = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    SUB.issue("ixn1", begins=ends - timedelta(9), ends=ends).write(
        Path(files.certificate).parent, "ixn1"
    )


def not_begun(files: TlsFiles) -> None:
    begins = datetime(2091, 1, 2, 3, 4, tzinfo=UTC)
    SUB.issue("ixn1", begins=begins, ends=begins + timedelta(9)).write(
        Path(files.certificate).parent, "ixn1"
    )


def no_trust(files: TlsFiles) -> None:
    Path(files.trust).write_text("")


@pytest.mark.parametrize(
    ("spoil", "key", "said"),
    [
        (gone, "certificate", r"ixn1\.pem: cannot be read: No such file"),
        (no_certificate, "certificate", r"ixn1\.pem: expected certificates in PEM form"),
        (no_key, "private-key", r"ixn1\.key: expected a private key in PEM form"),
        (another_key, "private-key", r"ixn1\.key: is not the key of the certificate .*ixn1\.pem"),
        (locked_key, "private-key", r"ixn1\.key: expected a private key without a password"),
        (expired, "certificate", r"ixn1\.pem: the certificate expired at 2026-01-02 03:04"),
        (not_begun, "certificate", r"ixn1\.pem: .* is not valid before 2091-01-02 03:04"),
        (no_trust, "trust", r"ca\.pem: expected certificates in PEM form"),
    ],
)
def test_files_that_cannot_be_used_are_named_with_what_is_wrong(
    files: TlsFiles, spoil: Callable[[TlsFiles], None], key: str, said: str
) -> None:
    spoil(files)
    with pytest.raises(TlsProblem, match=said) as problem:
        read_credential(files, NOW)
    assert problem.value.key == key


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("tlsv13 alert certificate required", "it demands a certificate, and none was shown"),
        ("ssl/tls alert certificate expired", "it says that our certificate has expired"),
        ("tlsv1 alert unknown ca", "it does not trust the authority of our certificate"),
        ("tlsv1 alert user cancelled", "it sent the TLS alert 'user cancelled'"),
        ("wrong version number", "it does not speak TLS"),
        ("http request", "it does not speak TLS"),
        ("unsupported protocol", "it does not speak TLS 1.2 or newer"),
        ("peer did not return a certificate", "it shows no certificate"),
        ("unexpected eof while reading", "it closed the connection without an end of TLS"),
        ("no shared cipher", "TLS failed: no shared cipher"),
    ],
)
def test_errors_of_openssl_become_words(reason: str, said: str) -> None:
    connection = SSL.Connection(client_context(Credential((), None, ())))
    assert explain(SSL.Error([("SSL routines", "", reason)]), connection).startswith(said)


def test_errors_without_a_reason_are_said_to_be_so() -> None:
    connection = SSL.Connection(client_context(Credential((), None, ())))
    assert explain(SSL.Error(), connection) == "TLS failed: for no reason that is known"
    assert "without an end" in explain(SSL.SysCallError(-1, "Unexpected EOF"), connection)
