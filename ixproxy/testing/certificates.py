"""
A small authority for trials and tests: certificates of every kind, good and bad.

    authority = Authority("Trial CA")
    authority.write(directory / "ca.pem")
    authority.issue("proxy1", ("localhost", "127.0.0.1")).write(directory, "proxy1")

Nothing here guards a key; nobody should trust this authority with anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ixproxy.net.tls_endpoints import is_ip_address
from ixproxy.values import TlsFiles

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its key and the chain above it, the root left out."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    above: tuple[x509.Certificate, ...] = ()

    def write(self, directory: Path, name: str) -> TlsFiles:
        """Write `NAME.pem` and `NAME.key` (readable by the owner alone)."""
        certificate, key = directory / f"{name}.pem", directory / f"{name}.key"
        certificate.write_bytes(b"".join(map(_pem, (self.certificate, *self.above))))
        key.touch(mode=0o600)
        key.write_bytes(
            self.key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return TlsFiles(str(certificate), str(key))


class Authority:
    """
    One authority, signed by itself or by another one.

    :param by: the authority above it; None: it is a root.
    """

    def __init__(self, name: str, by: Authority | None = None) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._above = by
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate: x509.Certificate = _signed(
            x509.CertificateBuilder()
            .subject_name(subject)
            .public_key(self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False
            ),
            by.certificate.subject if by else subject,
            by._key if by else self._key,
            datetime.now(UTC) - DAY,
            datetime.now(UTC) + 3650 * DAY,
        )

    def write(self, path: Path) -> str:
        """Write the authority's certificate, for others to trust."""
        path.write_bytes(_pem(self.certificate))
        return str(path)

    def issue(
        self,
        common_name: str,
        hosts: Sequence[str] = (),
        *,
        organization: str = "",
        begins: datetime | None = None,
        ends: datetime | None = None,
        usages: Sequence[x509.ObjectIdentifier] = (
            ExtendedKeyUsageOID.SERVER_AUTH,
            ExtendedKeyUsageOID.CLIENT_AUTH,
        ),
    ) -> Issued:
        """
        Sign a certificate.

        :param hosts: the names and addresses that it is for; none: a client's.
        :param begins: by default a day ago; `ends`: in a year.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
        if organization:
            attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name(attributes))
            .public_key(key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
        )
        if hosts:
            names = x509.SubjectAlternativeName([_host(each) for each in hosts])
            builder = builder.add_extension(names, critical=False)
        signed = _signed(
            builder,
            self.certificate.subject,
            self._key,
            begins or datetime.now(UTC) - DAY,
            ends or datetime.now(UTC) + 365 * DAY,
        )
        return Issued(signed, key, (self.certificate,) if self._above else ())


def _host(host: str) -> x509.GeneralName:
    return x509.IPAddress(ip_address(host)) if is_ip_address(host) else x509.DNSName(host)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _signed(
    builder: x509.CertificateBuilder,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    begins: datetime,
    ends: datetime,
) -> x509.Certificate:
    return (
        builder.issuer_name(issuer)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .sign(key, hashes.SHA256())
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
