"""
What every lease must keep, as tests to be inherited.

    class TestMyLease(LeaseContract):
        def make(self, place: Path, name: str) -> ILease:
            return MyLease(place / "node.lease", name)

        def die(self, lease: ILease) -> None:
            lease.drop()
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from zope.interface.verify import verifyObject

from ixproxy.errors import LeaseLost
from ixproxy.interfaces import ILease
from ixproxy.values import Holder

TRIES = 10_000
"""How often one tries that must get it: on a database that is asked, or at once."""


class LeaseContract:
    """For `ILease`: of two servers of one node."""

    def make(self, place: Path, name: str) -> ILease:
        """
        The lease of one server on the database of `place`.

        :param name: of the server: `first`, `second` or `third`.
        """
        raise NotImplementedError

    def die(self, lease: ILease) -> None:
        """The process that has this lease is gone, as after `kill -9`."""
        raise NotImplementedError

    @pytest.fixture
    def first(self, tmp_path: Path) -> Iterator[ILease]:
        """A server's lease, given back in the end."""
        lease = self.make(tmp_path, "first")
        yield lease
        lease.release()

    @pytest.fixture
    def second(self, tmp_path: Path) -> Iterator[ILease]:
        """The other server's."""
        lease = self.make(tmp_path, "second")
        yield lease
        lease.release()

    def holder(self, lease: ILease) -> Holder:
        """Who has it, as one sees that does not."""
        holder = lease.take()
        assert holder is not None
        return holder

    def had(self, lease: ILease) -> bool:
        """Whether one gets it that nobody has any more: who keeps it may see that a bit later."""
        return any(lease.take() is None for _ in range(TRIES))

    def test_it_keeps_its_interface(self, first: ILease) -> None:
        assert verifyObject(ILease, first)

    def test_who_asks_first_has_it_and_the_other_is_told_who_that_is(
        self, first: ILease, second: ILease
    ) -> None:
        assert first.take() is None
        holder = self.holder(second)
        assert holder.name
        assert self.holder(second) == holder

    def test_a_holder_that_shows_no_life_has_the_same_beat(
        self, first: ILease, second: ILease
    ) -> None:
        first.take()
        assert self.holder(second) == self.holder(second)

    def test_each_sign_of_life_is_another_beat(self, first: ILease, second: ILease) -> None:
        first.take()
        seen = [self.holder(second)]
        for _ in range(5):
            first.beat()
            seen.append(self.holder(second))
        assert len({each.beat for each in seen}) == 6
        assert len({each.name for each in seen}) == 1

    def test_who_dies_has_it_no_more(self, first: ILease, second: ILease) -> None:
        first.take()
        self.die(first)
        assert self.had(second)

    def test_what_is_given_back_is_free_at_once(self, first: ILease, second: ILease) -> None:
        first.take()
        first.release()
        assert self.had(second)
        second.release()
        assert self.had(first)

    def test_giving_back_what_one_has_not_is_harmless(self, first: ILease, second: ILease) -> None:
        first.release()
        first.take()
        second.release()
        first.beat()
        self.holder(second)
        second.release()
        first.beat()

    def test_a_silent_holder_can_be_ended(self, first: ILease, second: ILease) -> None:
        first.take()
        second.end(self.holder(second))
        assert self.had(second)

    def test_one_that_was_ended_is_told_at_its_next_beat(
        self, first: ILease, second: ILease
    ) -> None:
        first.take()
        second.end(self.holder(second))
        assert self.had(second)
        with pytest.raises(LeaseLost):
            first.beat()
        second.beat()

    def test_one_that_was_ended_may_wait_for_it_again(
        self, first: ILease, second: ILease, tmp_path: Path
    ) -> None:
        first.take()
        second.end(self.holder(second))
        assert self.had(second)
        first.release()
        again = self.make(tmp_path, "third")
        assert again.take() is not None
        second.release()
        assert self.had(again)
        again.release()

    def test_one_that_has_shown_life_meanwhile_is_not_ended(
        self, first: ILease, second: ILease
    ) -> None:
        first.take()
        seen = self.holder(second)
        first.beat()
        second.end(seen)
        first.beat()
        assert second.take() is not None

    def test_ending_who_is_gone_is_harmless(self, first: ILease, second: ILease) -> None:
        first.take()
        seen = self.holder(second)
        first.release()
        second.end(seen)
        assert self.had(second)
        second.beat()

    def test_ending_who_was_followed_by_another_leaves_that_one_alone(
        self, first: ILease, second: ILease, tmp_path: Path
    ) -> None:
        first.take()
        seen = self.holder(second)
        self.die(first)
        other = self.make(tmp_path, "third")
        assert self.had(other)
        second.end(seen)
        other.beat()
        assert second.take() is not None
        other.release()

    def test_whoever_has_it_not_shows_no_life(self, first: ILease, second: ILease) -> None:
        first.take()
        self.holder(second)
        with pytest.raises(LeaseLost):
            second.beat()

    def test_who_takes_what_it_has_keeps_it(self, first: ILease, second: ILease) -> None:
        first.take()
        assert first.take() is None
        first.beat()
        assert second.take() is not None
