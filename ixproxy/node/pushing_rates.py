"""
How fast work is pushed to one router, and whose turn it is: pure.

Theory of operation: a router that has a rate has a bucket. It fills at the
rate, holds what one interval brings and one more, and each interaction that is
pushed takes one out. An empty bucket is closed for an interval, or until there
is one in it again, whichever is later: so a rate costs a look per interval, not
one per interaction, and no more than rate times time, and a bucket full, are
pushed in any time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from math import inf
from typing import NamedTuple, TypeVar

K = TypeVar("K")


class Rate(NamedTuple):
    """
    :ivar per_second: interactions; 0: none at all.
    :ivar interval: seconds between two looks at an empty bucket, at least.
    """

    per_second: float
    interval: float

    @property
    def most(self) -> float:
        """What a bucket holds: one more, for no piece of one must be lost by a look."""
        return 1.0 + self.per_second * self.interval


class Bucket(NamedTuple):
    """
    One router's.

    :ivar left: how many may be pushed, as of `at`, in seconds since the epoch.
    :ivar opens_at: before this none is.
    """

    left: float
    at: float
    opens_at: float = 0.0


def filled(bucket: Bucket | None, rate: Rate, now: float) -> Bucket:
    """
    The same bucket now.

    :param bucket: None: it is new, and has what one interval brings, one at least.
    """
    if bucket is None:
        return Bucket(max(1.0, rate.per_second * rate.interval), now)
    # A clock that was set back must not close a bucket for as long as it was wrong.
    passed = max(0.0, now - bucket.at)
    opens_at = min(bucket.opens_at, now + longest_wait(rate))
    return Bucket(min(rate.most, bucket.left + passed * rate.per_second), now, opens_at)


def room(bucket: Bucket, rate: Rate) -> int:
    """How many may be pushed, by a bucket that is filled as of now."""
    if not rate.per_second or bucket.opens_at > bucket.at:
        return 0
    # What a sum of small pieces lacks of a whole one is no reason to wait.
    return int(bucket.left + 1e-9)


def spent(bucket: Bucket, rate: Rate, number: int) -> Bucket:
    """The bucket after `number` were pushed, no more than there was room for."""
    left = max(0.0, bucket.left - number)
    if left + 1e-9 >= 1.0:
        return bucket._replace(left=left)
    lacks = (1.0 - left) / rate.per_second
    return bucket._replace(left=left, opens_at=bucket.at + max(rate.interval, lacks))


def longest_wait(rate: Rate) -> float:
    """Seconds for which a bucket is closed at most; infinite for a rate of 0."""
    return max(rate.interval, 1.0 / rate.per_second) if rate.per_second else inf


def dealt(rooms: Mapping[K, int], number: int) -> list[K]:
    """
    Who gets each of `number` things: all in turn, as long as they have room.

    :param rooms: in the order of their turns, and how many each may get.
    :return: fewer where there is not as much room.
    """
    left = deque((key, room) for key, room in rooms.items() if room > 0)
    turns: list[K] = []
    while left and len(turns) < number:
        key, room = left.popleft()
        turns.append(key)
        if room > 1:
            left.append((key, room - 1))
    return turns
