"""
Addresses of stores: what a PostgreSQL one may look like, and how one is shown.

    postgresql://ixproxy@db.example:5432/node1?sslmode=verify-full

It is a URI as libpq takes it. A password does not belong there, but may be; it
is never shown.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

POSTGRESQL = "postgresql:"

PARAMETERS = {
    "application_name", "channel_binding", "client_encoding", "connect_timeout", "dbname",
    "gssdelegation", "gssencmode", "gsslib", "host", "hostaddr", "keepalives",
    "keepalives_count", "keepalives_idle", "keepalives_interval", "krbsrvname",
    "load_balance_hosts", "max_protocol_version", "min_protocol_version", "options", "passfile",
    "password", "port", "require_auth", "requirepeer", "service", "ssl_max_protocol_version",
    "ssl_min_protocol_version", "sslcert", "sslcertmode", "sslcrl", "sslcrldir",
    "sslcompression", "sslkey", "sslmode", "sslnegotiation", "sslpassword", "sslrootcert",
    "sslsni", "target_session_attrs", "tcp_user_timeout", "user",
}  # fmt: skip
"""What libpq lets stand behind the question mark."""

_EXAMPLE = '"postgresql://ixproxy@db.example/node1"'
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+(%[\w.]+)?\]|[\w.%-]*)(:(?P<port>\d*))?", re.ASCII)
_PORT = re.compile(r"\d{1,5}", re.ASCII)
_USER = re.compile(r"(://[^/?#@:]*):.*@", re.DOTALL)
_SECRETS = re.compile(r"([?&](?:password|sslpassword)=)[^&]*")


def without_password(text: str) -> str:
    """`text` as it may be shown, be it an address or not."""
    if "://" not in text:
        return text
    return _SECRETS.sub(r"\1…", _USER.sub(r"\1:…@", text))


def postgresql_text(text: str) -> None:
    """:raise ValueError: `text` is no address of a PostgreSQL database; quotes nothing of it."""
    if not text.startswith(f"{POSTGRESQL}//"):
        raise ValueError(f"expected an address such as {_EXAMPLE}")
    place, _, query = text.removeprefix(f"{POSTGRESQL}//").partition("?")
    authority, _, database = place.partition("/")
    hosts = authority.rpartition("@")[2]
    names = _parameters(query)
    for host in hosts.split(","):
        found = _HOST.fullmatch(host)
        unusable = found is None or (found["port"] and not 0 < int(found["port"]) < 65536)
        if unusable or "@" in database:
            raise ValueError(
                f"expected a host, and perhaps a port, as in {_EXAMPLE}; signs such as / and @ in "
                "a password are written as %2F and %40"
            )
    if "/" in database or any(sign.isspace() for sign in text):
        raise ValueError(f"expected one name of a database behind the host, as in {_EXAMPLE}")
    if not unquote(database) and not {"dbname", "service"} & names:
        raise ValueError(f"expected the name of a database behind the host, as in {_EXAMPLE}")


def _parameters(query: str) -> set[str]:
    names = set()
    for part in query.split("&") if query else ():
        name, equals, value = part.partition("=")
        if not equals or name not in PARAMETERS:
            raise ValueError("expected behind the ? what libpq knows, such as sslmode=verify-full")
        if name == "port" and not all(map(_is_port, unquote(value).split(","))):
            raise ValueError("expected for port a number from 1 to 65535")
        names.add(name)
    return names


def _is_port(text: str) -> bool:
    """Whether libpq takes a text as a port; an empty one is its default."""
    return not text or bool(_PORT.fullmatch(text) and 0 < int(text) < 65536)
