from __future__ import annotations

import pytest

from ixproxy.config_store_address import postgresql_text, without_password


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://ixproxy@db.example/node1",
        "postgresql://db.example:5433/node1?sslmode=verify-full&sslrootcert=/etc/ca.pem",
        "postgresql://ixproxy:p%40ss@[::1]:5432/node1",
        "postgresql://one.example:5432,two.example:5433/node1?connect_timeout=3",
        "postgresql://ixproxy@%2Fvar%2Frun%2Fpostgresql/node1",
        "postgresql:///node1?host=/var/run/postgresql",
        "postgresql://?service=node1",
        "postgresql://host?dbname=node1",
        "postgresql://one,two/node1?port=5432,",
        "postgresql://host/node1?options=-csearch_path%3Dnode1",
    ],
)
def test_what_libpq_takes_is_an_address(address: str) -> None:
    postgresql_text(address)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("postgresql:node1", "an address such as"),
        ("postgresql://host", "the name of a database"),
        ("postgresql://host/", "the name of a database"),
        ("postgresql://host/a/b", "one name"),
        ("postgresql://host/my node", "one name"),
        ("postgresql://host:port/node1", "a host, and perhaps a port"),
        ("postgresql://host:70000/node1", "a host, and perhaps a port"),
        ("postgresql://one,two/node1?port=5432,70000", "from 1 to 65535"),
        ("postgresql://ix:s3cr/t@host/node1", "written as %2F"),
        ("postgresql://host/node1?sslmod=require", "what libpq knows"),
        ("postgresql://host/node1?sslmode", "what libpq knows"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_of_the_address(address: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected) as refused:
        postgresql_text(address)
    assert "s3cr" not in str(refused.value)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("sqlite:/var/x.db", "sqlite:/var/x.db"),
        ("postgresql://ix@host/db", "postgresql://ix@host/db"),
        ("postgresql://ix:s3cret@host/db", "postgresql://ix:…@host/db"),
        ("postgresql://ix:s3/c@r:et@host/db", "postgresql://ix:…@host/db"),
        ("postgresql://host/db?password=s3cret&sslmode=require", "postgresql://host/db?password=…"
         "&sslmode=require"),
        ("postgresql://host/db?sslpassword=s3cret", "postgresql://host/db?sslpassword=…"),
    ],
)  # fmt: skip
def test_an_address_is_shown_without_its_password(address: str, shown: str) -> None:
    assert without_password(address) == shown
