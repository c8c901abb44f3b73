"""
What broke order: who was taken from a queue before others that had been there already.

An interaction was overtaken if another was placed in the same queue after it had
entered it, and was taken before it. The nodes of a cluster keep the order of
a queue each for itself, so that others of the same queue on other nodes overtake; on one
node it is the order of the view that lets them. What comes back to its queue has
its place of before and overtakes nobody by that.
"""

from __future__ import annotations

from itertools import groupby

import msgspec

from ixproxy.eventlog.reporting.scratch import Scratch, Sums, Table

TAKEN, OVERTAKEN, BY_ITS_OWN, BY_OTHERS_ONLY = range(4)
"""The numbers of a queue: taken and their waiting known; of these overtaken; by whom."""


class Overtaking(msgspec.Struct, frozen=True):
    """
    :ivar queues: by queue: the numbers above.
    :ivar nodes: by the dbid of the node of the overtaken and that of who overtook it by most: how
        many.
    :ivar longest: by how many seconds most anybody was overtaken.
    """

    queues: Table
    nodes: Table
    longest: float


def overtakings(scratch: Scratch) -> Overtaking:
    """Count them, among those that `follow` has left in the scratch."""
    sums = Sums(scratch, "overtaken", 1, 4)
    pairs = Sums(scratch, "overtaken_by", 2, 1)
    longest = 0.0
    rows = scratch.connection.execute(
        "SELECT queue, left, dbid, entered, placed FROM taken ORDER BY queue, left"
    )
    for queue, in_queue in groupby(rows, key=lambda row: str(row[0])):
        # The latest placed among those already taken, by node.
        latest: dict[int, float] = {}
        for _, moments in groupby(in_queue, key=lambda row: float(row[1])):
            # What is taken in one moment is taken in one batch: nobody is before anybody.
            added: dict[int, float] = {}
            for _, _, dbid, entered, placed in moments:
                sums.add((queue,), TAKEN)
                added[dbid] = max(placed, added.get(dbid, placed))
                if not latest:
                    continue
                first = max(latest, key=lambda each: latest[each])
                if latest[first] <= entered:
                    continue
                sums.add((queue,), OVERTAKEN)
                own = latest.get(dbid, entered) > entered
                sums.add((queue,), BY_ITS_OWN if own else BY_OTHERS_ONLY)
                pairs.add((str(dbid), str(first)), 0)
                longest = max(longest, latest[first] - entered)
            for dbid, placed in added.items():
                latest[dbid] = max(placed, latest.get(dbid, placed))
    return Overtaking(sums.table((OVERTAKEN,)), pairs.table(), longest)
