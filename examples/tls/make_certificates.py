"""
Make a small certificate authority, and certificates for the cluster beside this file.

usage: make_certificates.py [DIRECTORY]

Into DIRECTORY (by default where this file is) go the authority, `ca.pem`, and a certificate
and key for each server and each kind of client of `cluster.toml`. They are valid for a year
on this host. For trials only: the authority's key is thrown away at the end, so run this
again for new certificates; servers take renewed ones on SIGHUP, and nobody is dropped.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ixproxy.testing.certificates import Authority

HOSTS = ("localhost", "127.0.0.1")
SERVERS = ("ixn1", "ixn2", "proxy1")
CLIENTS = {"mail": "Acme Media", "desk": "Acme Desktops", "operator": "Acme Operations"}


def main(directory: Path) -> None:
    """Write everything, and say what was written."""
    directory.mkdir(parents=True, exist_ok=True)
    authority = Authority("Trial authority of ixproxy")
    authority.write(directory / "ca.pem")
    for name in SERVERS:
        authority.issue(name, HOSTS, organization="Acme").write(directory, name)
    for name, organization in CLIENTS.items():
        authority.issue(name, organization=organization).write(directory, name)
    print(f"{directory}: ca.pem and {', '.join((*SERVERS, *CLIENTS))}, each .pem and .key")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
