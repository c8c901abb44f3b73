"""What a store hands out says what is implemented, and can be looked up."""

from __future__ import annotations

from zope.interface import Interface

from ixproxy import interfaces
from ixproxy.interfaces_store import ILease, IStoreReader


def test_both_are_interfaces_with_a_manual() -> None:
    for interface in (ILease, IStoreReader):
        assert interface.extends(Interface)
        assert interface.__doc__
        for name, what in interface.namesAndDescriptions():
            assert what.__doc__, name


def test_they_are_found_beside_the_store() -> None:
    assert (interfaces.ILease, interfaces.IStoreReader) == (ILease, IStoreReader)
