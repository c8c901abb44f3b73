"""
Addresses of event logs in tables, for whoever writes or reads them.

    sqlite:/var/lib/ixproxy/ixn1-log.db
    postgresql://reporting@db.example/logs?schema-name=ixn1

What stands in the second one is libpq's, but for `schema-name`: where the tables are.
"""

from __future__ import annotations

import posixpath
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlsplit

SQLITE, POSTGRESQL = "sqlite", "postgresql"

SCHEMA_NAME = "schema-name"
"""The key of the deployment file, and what the same is called in an address."""


_PORT = "5432"
_USUAL = "public"
"""The schema of whoever names none."""


class LogAddress(NamedTuple):
    """
    Where a log is.

    `kind`: SQLITE or POSTGRESQL. `place`: the path of the file, or what libpq is given.
    `schema_name`: of PostgreSQL; "": the first one that the role may use.
    """

    kind: str
    place: str
    schema_name: str = ""


def read_address(text: str, schema_name: str = "") -> LogAddress:
    """
    :param schema_name: of an address of PostgreSQL that names none.
    :raise ValueError: it is no such address; the text quotes nothing of it.
    """
    kind, _, rest = text.partition(":")
    if kind == SQLITE and rest and not rest.startswith(":") and "\0" not in rest:
        return LogAddress(SQLITE, rest)
    if kind != POSTGRESQL or not rest.startswith("//"):
        raise ValueError(
            "expected sqlite:PATH, such as sqlite:/path/to/file.db, "
            "or postgresql://user@host:port/database"
        )
    place, _, query = text.partition("?")
    parts = [part.partition("=") for part in query.split("&")] if query else []
    named = [unquote(value) for name, _, value in parts if name == SCHEMA_NAME]
    if len(named) > 1 or "" in named or any("\0" in each for each in (*named, schema_name)):
        raise ValueError(f"expected the name of one schema behind {SCHEMA_NAME}=")
    rest = "&".join("".join(part) for part in parts if part[0] != SCHEMA_NAME)
    return LogAddress(POSTGRESQL, f"{place}?{rest}" if rest else place, *(named or [schema_name]))


def with_schema(name: str, schema_name: str) -> str:
    """What messages call a database of PostgreSQL, and the schema of it that has the tables."""
    return f"{name}?{SCHEMA_NAME}={quote(schema_name, safe='')}" if schema_name else name


def place_of(text: str, schema_name: str = "") -> tuple[str, ...]:
    """
    What addresses of the same tables have in common, however they are written.

    Of PostgreSQL these are the hosts with their ports, the database and the schema: not who
    logs in, nor how. What is no such address is its own place.

    :param schema_name: of an address of PostgreSQL that names none.
    """
    try:
        kind, place, named = read_address(text, schema_name)
        if kind == SQLITE:
            return kind, posixpath.normpath(place)
        parts = urlsplit(place)
    except ValueError:
        return (text, schema_name)
    # What is behind the question mark counts, as for libpq.
    said = dict(parse_qsl(parts.query))
    user, _, servers = parts.netloc.rpartition("@")
    pairs = [_host_and_port(each) for each in servers.split(",")]
    if "host" in said:
        pairs = [(host, "") for host in said["host"].split(",")]
    ports = said["port"].split(",") if "port" in said else [port for _, port in pairs]
    ports = ports * len(pairs) if len(ports) == 1 else ports
    hosts = ",".join(
        f"{host.lower()}:{port or _PORT}" for (host, _), port in zip(pairs, ports, strict=False)
    )
    user = said.get("user") or unquote(user.partition(":")[0])
    database = said.get("dbname") or unquote(parts.path[1:]) or user
    return kind, hosts, said.get("service", ""), database, named or _USUAL


def database_of(text: str) -> tuple[str, ...]:
    """The same of one and the same database, whatever the schema."""
    place = place_of(text)
    return place[:-1] if place[0] == POSTGRESQL else place


def _host_and_port(text: str) -> tuple[str, str]:
    host, colon, port = text.rpartition(":")
    # Colons in brackets are those of the host.
    return (unquote(host), port) if colon and "]" not in port else (unquote(text), "")
