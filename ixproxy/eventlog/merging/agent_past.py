"""What the rules for agents ask of the history that they have written."""

from __future__ import annotations

from typing import Protocol

from ixproxy.eventlog.merging.agent_acts import AgentEvent


class Past(Protocol):
    """What is in the clean history already."""

    def told(self, event: AgentEvent) -> bool:
        """Whether another node told of it near its time; of a named session's ends: ever."""

    def ended(self, session_number: int, session_dbid: int) -> bool:
        """Whether the logout of a session is there that was forgotten here."""


class NoPast:
    """Nothing is there."""

    def told(self, event: AgentEvent) -> bool:
        """It is not."""
        return False

    def ended(self, session_number: int, session_dbid: int) -> bool:
        """It is not."""
        return False


NOTHING = NoPast()
"""For who begins."""
