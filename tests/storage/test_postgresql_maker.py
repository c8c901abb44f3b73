from __future__ import annotations

import sys

import pytest

from ixproxy.errors import ConfigError
from ixproxy.interfaces import IStoreMaker
from ixproxy.plugin import find_maker

ADDRESS = {"address": "postgresql://ixproxy@db.example/node1"}


def test_the_plug_in_makes_a_store() -> None:
    assert find_maker(IStoreMaker, "postgresql").make(ADDRESS).dialect == "postgresql"


def test_what_has_to_be_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("ixproxy.storage.postgresql")]:
        if name != "ixproxy.storage.postgresql_maker":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("ixproxy.storage.postgresql", raising=False)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError, match=r"pip install 'ixproxy\[postgresql\]'"):
        find_maker(IStoreMaker, "postgresql").make(ADDRESS)
