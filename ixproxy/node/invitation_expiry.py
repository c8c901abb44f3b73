"""Invitations that nobody answered in time."""

from __future__ import annotations

from msgspec.structs import replace

from ixproxy.errors import Code
from ixproxy.messages import EventForcedAgentStateChange, EventNotReadyForMedia, Reason
from ixproxy.node.agent_sessions import keep
from ixproxy.node.events import report_agent, tell_agent
from ixproxy.node.invitations import DELIVER
from ixproxy.node.inviting import end, set_timer, take_back
from ixproxy.node.life_cycle import Trigger
from ixproxy.node.turn import Cause, Turn

NOT_ANSWERED = Reason(
    reason_system_name="Expired", reason_description="The invitation was not answered in time"
)


def end_invitations(turn: Turn, interaction_id: str) -> None:
    """T10 of the life cycle: end those to one interaction whose time is over."""
    set_timer(turn, interaction_id)
    row = turn.rows.interaction(interaction_id)
    for invitation in turn.memory.invitations.of(interaction_id):
        if row is None:
            take_back(turn, invitation)
            continue
        if invitation.due_at > turn.now:
            continue
        delivery = invitation.operation == DELIVER
        trigger = Trigger.DELIVERY_EXPIRED if delivery else Trigger.INVITATION_EXPIRED
        cause = Cause(None, NOT_ANSWERED)
        end(turn, row, invitation, trigger, cause, Code.INVITATION_EXPIRED)
        if turn.settings.not_ready_on_invitation_timeout:
            _make_not_ready(turn, (row.tenant_id, invitation.agent_id), row.media_type, cause)


def _make_not_ready(turn: Turn, name: tuple[int, str], media: str, cause: Cause) -> None:
    """`not-ready-on-invitation-timeout`: who does not answer is not asked again."""
    agent = turn.memory.logged_in(name)
    if agent is None or not agent.media.get(media):
        return
    changed = keep(turn, replace(agent, media={**agent.media, media: 0}))
    report_agent(turn, EventNotReadyForMedia, changed, cause, media_type_name=media)
    change = {
        "media_type_name": media,
        "media_list": changed.media,
        "donot_disturb": changed.donot_disturb,
        "agent_state_change_operation": "NotReadyForMedia",
        "by_server": True,
    }
    tell_agent(turn, EventForcedAgentStateChange, changed, cause, **change)
