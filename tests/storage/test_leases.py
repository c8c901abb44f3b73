"""A lease that nobody else can have."""

from __future__ import annotations

from zope.interface.verify import verifyObject

from ixproxy.interfaces import ILease
from ixproxy.storage.leases import FreeLease


def test_a_free_lease_is_had_by_whoever_takes_it() -> None:
    lease = FreeLease()
    assert verifyObject(ILease, lease)
    assert lease.take() is None
    lease.beat()
    lease.release()
    assert lease.take() is None
