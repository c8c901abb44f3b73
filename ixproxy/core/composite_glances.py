"""
What a glance tells of an agent when a source comes or goes with thousands of them.

Nearly all of them are as they were. These two rules find them at little cost, so
that the rules of `composite_agents` need only look at the others, and a node
that is lost or returns does not keep everybody else waiting.
"""

from __future__ import annotations

from ixproxy.core.composite_sources import AgentKey, Source, origin_of
from ixproxy.core.composite_telling import Composite
from ixproxy.messages import EventPlaceAgentState


def unchanged(
    source: Source, key: AgentKey, agent: Composite | None, state: EventPlaceAgentState
) -> bool:
    """
    Whether a new state of a source just says what is told already, of an agent
    with nothing in hand there; then the source has the agent by it.
    """
    session = source.sessions.get(key)
    if session is None or agent is None or session.over or agent.closing or agent.left:
        return False
    if key in source.held or state.interactions or state.parties:
        return False
    if not session.stamp == agent.stamp == state.agent_session or not agent.authority:
        return False
    media, donot_disturb, reasons, reason = told = session.state
    if (
        state.media_list != media
        or state.donot_disturb != donot_disturb
        or state.media_reasons != reasons
        or state.state_reason != reason
        or state.place_id != session.place
        or agent.state != told
    ):
        return False
    if source.dbid == agent.stamp.dbid:
        agent.authority = source.name
    session.origin = origin_of(state)
    return True


def rests_on(source: Source, agent: Composite | None) -> bool:
    """Whether anything may be over, or be another's to say, when `source` is away."""
    return agent is not None and bool(
        agent.authority == source.name or agent.logout or agent.mass or agent.left
    )
