"""As whom a command comes, what it shows, and whom it trusts."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

import pytest

from ixproxy.cli.identity import (
    PASSWORD_VARIABLE,
    add_identity_options,
    credentials_of,
    tls_of,
)
from ixproxy.cli.outcomes import UsageError
from ixproxy.client import TlsFiles
from ixproxy.testing.certificates import Authority

AUTHORITY = Authority("Trial CA")


def parsed(*arguments: str, config: str | None = None) -> Namespace:
    parser = ArgumentParser()
    add_identity_options(parser)
    return parser.parse_args(arguments, Namespace(config=config))


def test_a_password_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, "secret")
    found = credentials_of(parsed("--user", "kim"))
    assert found is not None
    assert (found.user, found.password) == ("kim", "secret")
    assert credentials_of(parsed()) is None


def test_files_are_shown_and_trusted_as_they_were_given(tmp_path: Path) -> None:
    trust = AUTHORITY.write(tmp_path / "ca.pem")
    shown = AUTHORITY.issue("mail").write(tmp_path, "mail")
    given = ("--trust", trust, "--certificate", shown.certificate, "--private-key")
    files = TlsFiles(shown.certificate, shown.private_key, trust)
    assert tls_of(parsed(*given, shown.private_key), ["tcp:a:1"]) == files
    assert tls_of(parsed("--trust", trust), ["tls:a:1"]) == TlsFiles(trust=trust)
    assert tls_of(parsed(), ["tls:a:1"]) is None


def test_a_deployment_file_says_whether_a_server_speaks_tls(tmp_path: Path) -> None:
    trust = AUTHORITY.write(tmp_path / "ca.pem")
    args = parsed("--trust", trust, config="cluster.toml")
    assert tls_of(args, ["tcp:a:1"]) is None
    assert tls_of(args, ["tcp:a:1", "tls:b:1"]) == TlsFiles(trust=trust)


@pytest.mark.parametrize("alone", ["--certificate", "--private-key"])
def test_a_certificate_and_its_key_go_together(alone: str) -> None:
    with pytest.raises(UsageError, match="go together"):
        tls_of(parsed(alone, "a.pem"), [])


def test_a_file_that_cannot_be_used_is_named_with_its_option(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--trust: .*ca\.pem: cannot be read"):
        tls_of(parsed("--trust", str(tmp_path / "ca.pem")), [])
