"""
Who has a seat, by what the nodes' databases were told: for the rule of who may lose it.

As in the ledger, of which this is a part, only what is committed counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

AgentSession = tuple[int, str, tuple[int, ...] | None]
"""Tenant, agent, and the stamp."""


class Seats:
    """
    The agent sessions of all nodes.

    :ivar most: how many agents one node had, at most, with those who were about to be logged in.
    """

    def __init__(self) -> None:
        self.most = 0
        self._of_node: dict[str, dict[AgentSession, bool]] = {}
        """The sessions that each node has, and whether they are confirmed."""
        self._older: dict[AgentSession, int] = {}

    def older(self, session: AgentSession) -> int:
        """
        How many agents with smaller stamps were logged in on any nodes, at most, at one moment
        at which this one was.
        """
        return self._older.get(session, 0)

    def written(
        self, node: str, puts: Sequence[Any], deletes: Sequence[tuple[str, tuple[Any, ...]]]
    ) -> None:
        """A node has written some rows in a transaction; who goes makes room for who comes."""
        there = self._of_node.setdefault(node, {})
        came = [put for put in puts if put.table == "agents"]
        for put in came:
            there[put.tenant_id, put.agent_id, (put.number, put.dbid)] = put.confirmed
        if any(put.confirmed for put in came):
            self._count()
        for table, key in deletes:
            if table == "agents":
                tenant, agent, *stamp = key
                there.pop((tenant, agent, tuple(stamp)), None)

    def committed(self, node: str) -> None:
        """A node has committed what it has written."""
        self.most = max(self.most, len({session[:2] for session in self._of_node.get(node, ())}))

    def _count(self) -> None:
        confirmed = {
            session
            for there in self._of_node.values()
            for session, sure in there.items()
            if sure and session[2] is not None
        }
        for session in confirmed:
            older = {
                other[:2]
                for other in confirmed
                if other[:2] != session[:2] and (other[2] or ()) < (session[2] or ())
            }
            self._older[session] = max(self.older(session), len(older))
