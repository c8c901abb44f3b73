"""The small authority for trials: what it signs is what it was asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from ixproxy.testing.certificates import Authority


def test_a_certificate_has_the_names_it_was_asked_for() -> None:
    issued = Authority("CA").issue("ixn1", ("node-a.example", "10.0.0.1"), organization="Acme")
    assert issued.certificate.subject.rfc4514_string() == "O=Acme,CN=ixn1"
    names = issued.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert names.value.get_values_for_type(x509.DNSName) == ["node-a.example"]
    assert [str(each) for each in names.value.get_values_for_type(x509.IPAddress)] == ["10.0.0.1"]


def test_a_certificate_lasts_as_long_as_it_was_asked_for() -> None:
    begins = datetime(2026, 1, 1, tzinfo=UTC)
    issued = Authority("CA").issue("ixn1", begins=begins, ends=begins + timedelta(3))
    assert issued.certificate.not_valid_before_utc == begins
    assert issued.certificate.not_valid_after_utc == begins + timedelta(3)


def test_a_chain_leads_to_the_root_without_it() -> None:
    root = Authority("root")
    sub = Authority("sub", by=root)
    assert root.issue("a").above == ()
    assert sub.issue("a").above == (sub.certificate,)
    sub.certificate.verify_directly_issued_by(root.certificate)
    with pytest.raises(ValueError):
        root.certificate.verify_directly_issued_by(sub.certificate)


def test_a_key_is_for_its_owner_to_read(tmp_path: Path) -> None:
    Authority("CA").issue("ixn1").write(tmp_path, "ixn1")
    assert (tmp_path / "ixn1.key").stat().st_mode & 0o077 == 0
