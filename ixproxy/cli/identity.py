"""The options that say as whom a command comes, what it shows of itself, and whom it trusts."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterable
from typing import Any

from ixproxy.cli.outcomes import UsageError
from ixproxy.client import Credentials, TlsFiles
from ixproxy.client.securing import TLS, Securing
from ixproxy.tls import TlsProblem

PASSWORD_VARIABLE = "IXCTL_PASSWORD"


def add_identity_options(group: Any) -> None:
    """Add them to a group of a parser's options."""
    group.add_argument(
        "--user", metavar="NAME", help=f"log on; the password is taken from ${PASSWORD_VARIABLE}"
    )
    group.add_argument(
        "--trust", default="", metavar="FILE", help="authorities to believe (those of the system)"
    )
    group.add_argument("--certificate", default="", metavar="FILE", help="what to show of oneself")
    group.add_argument("--private-key", default="", metavar="FILE", help="the certificate's key")


def credentials_of(args: Namespace) -> Credentials | None:
    """User and password; None: no user was named."""
    if not args.user:
        return None
    # Not an argument: the process list is for everybody to read.
    return Credentials(user=args.user, password=os.environ.get(PASSWORD_VARIABLE, ""))


def tls_of(args: Namespace, endpoints: Iterable[object]) -> TlsFiles | None:
    """
    What to show and trust on the way to `endpoints`.

    :return: None: nothing was given; or the deployment file says that none of
        the servers speaks TLS.
    :raise UsageError: a certificate was given without its key, or the reverse;
        or a file cannot be used.
    """
    if bool(args.certificate) != bool(args.private_key):
        raise UsageError("--certificate and --private-key go together")
    if not (args.trust or args.certificate):
        return None
    if args.config is not None and not any(str(each).startswith(TLS) for each in endpoints):
        return None
    files = TlsFiles(args.certificate, args.private_key, args.trust)
    try:
        Securing(None, files).check()
    except TlsProblem as problem:
        raise UsageError(f"--{problem.key}: {problem.description}") from problem
    return files
