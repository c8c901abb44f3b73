"""The makers of logs at brokers, with and without the library."""

from __future__ import annotations

import sys

import pytest

from ixproxy.errors import ConfigError
from ixproxy.eventlog.amqp_maker import make
from ixproxy.interfaces import IEventLogMaker
from ixproxy.plugin import find_maker


@pytest.mark.parametrize("scheme", ["amqp", "amqps"])
def test_it_makes_a_log(scheme: str) -> None:
    maker = find_maker(IEventLogMaker, scheme)
    assert maker.make({"address": f"{scheme}://broker.example"}).kind == "amqp"


def test_what_is_wrong_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="address: missing"):
        make({})


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("ixproxy.eventlog.amqp_")]:
        if name != "ixproxy.eventlog.amqp_maker":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("ixproxy.eventlog.amqp_log", raising=False)
    monkeypatch.setitem(sys.modules, "proton", None)
    with pytest.raises(ConfigError, match=r"pip install 'ixproxy\[amqp\]'"):
        make({"address": "amqp://broker.example"})
