"""The interface of event logs says what is implemented."""

from __future__ import annotations

from zope.interface import Interface

from ixproxy.interfaces_eventlog import IEventLog


def test_it_is_an_interface_with_a_manual() -> None:
    assert IEventLog.extends(Interface)
    assert IEventLog.__doc__
    for name, what in IEventLog.namesAndDescriptions():
        assert what.__doc__, name


def test_a_log_begins_stores_rests_ends_and_shows() -> None:
    assert set(IEventLog.names()) == {"kind", "begin", "store", "at_rest", "end", "figures"}
