"""The plug-in of logs on PostgreSQL can be read without psycopg."""

from __future__ import annotations

import sys

import pytest

from ixproxy.errors import ConfigError
from ixproxy.eventlog.postgresql_maker import make


def test_it_makes_logs() -> None:
    assert make({"address": "postgresql://h/d"}).kind == "postgresql"


def test_without_psycopg_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ixproxy.eventlog.postgresql_log", None)
    monkeypatch.delattr("ixproxy.eventlog.postgresql_log", raising=False)
    with pytest.raises(ConfigError, match=r"pip install 'ixproxy\[postgresql\]'"):
        make({"address": "postgresql://h/d"})
