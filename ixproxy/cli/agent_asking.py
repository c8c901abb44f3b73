"""What the lines of `ixctl agent` ask the server for."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ixproxy import messages as m
from ixproxy.cli.agent_verbs import Line
from ixproxy.cli.key_values import pair
from ixproxy.cli.outcomes import UsageError
from ixproxy.messages.message import MAX_TEXT, Request

BY_IDS = "_system_"
MODES = ("Conference", "Coach", "Monitor")


@dataclass(frozen=True, slots=True)
class Whose:
    """Which agent a line is about."""

    tenant_id: int
    agent_id: str
    place_id: str

    def agent(self, line: Line, reason_at: int = -1, **more: Any) -> dict[str, Any]:
        """The attributes of a request about the agent, with the reason that stands in a line."""
        return {
            "tenant_id": self.tenant_id,
            "agent_id": self.agent_id,
            "place_id": self.place_id,
            **_reason(line, reason_at),
            **more,
        }

    def interaction(self, line: Line, reason_at: int = -1, **more: Any) -> dict[str, Any]:
        """The attributes of a request about the interaction that a line names first."""
        about = {"tenant_id": self.tenant_id, "interaction_id": line.words[0]}
        return {**about, **_reason(line, reason_at), **more}


def _reason(line: Line, place: int) -> dict[str, Any]:
    text = line.word(place) if place >= 0 else ""
    if len(text) > MAX_TEXT:
        raise UsageError(f"a reason has {MAX_TEXT} characters at most, not {len(text)}")
    return {"reason": m.Reason(reason_description=text)} if text else {}


def media_of(text: str) -> dict[str, int]:
    """
    `email=ready,chat=notready`: media types and whether they are ready; a name alone is ready.

    :raise UsageError: it says something else.
    """
    found: dict[str, int] = {}
    for each in filter(None, text.replace(" ", ",").split(",")):
        name, _, state = each.partition("=")
        if not name or state not in ("", "ready", "notready"):
            raise UsageError(f"expected MEDIA, MEDIA=ready or MEDIA=notready, not {each!r}")
        found[name] = int(state != "notready")
    return found


def _mode(text: str) -> dict[str, Any]:
    if not text:
        return {}
    for mode in MODES:
        if text.lower() == mode.lower():
            return {"visibility_mode": mode}
    raise UsageError(f"a mode is one of {', '.join(MODES)}, not {text!r}")


def _dnd(whose: Whose, line: Line) -> Request:
    match line.words[0]:
        case "on":
            return m.RequestDoNotDisturbOn(**whose.agent(line, 1))
        case "off":
            return m.RequestDoNotDisturbOff(**whose.agent(line, 1))
    raise UsageError(f"dnd is on or off, not {line.words[0]!r}")


def _pull(whose: Whose, line: Line) -> Request:
    what = line.words[0]
    if "/" in what:
        return m.RequestPull(tenant_id=whose.tenant_id, view_id=what, number_of_interactions=1)
    return m.RequestPull(
        tenant_id=whose.tenant_id,
        view_id=BY_IDS,
        pull_parameters={what: 1},
        number_of_interactions=1,
    )


def _change(whose: Whose, line: Line) -> Request:
    word = line.words[1]
    if word.startswith("-"):
        return m.RequestChangeProperties(
            **whose.interaction(line, deleted_properties={word[1:]: ""})
        )
    try:
        key, value = pair(word.removeprefix("+"))
    except ArgumentTypeError as problem:
        raise UsageError(str(problem)) from problem
    changed = {"added_properties" if word.startswith("+") else "changed_properties": {key: value}}
    return m.RequestChangeProperties(**{**whose.interaction(line), **changed})


def _workbin(whose: Whose, line: Line) -> Request:
    workbin = m.Workbin(workbin_type_id=line.words[0], workbin_agent_id=whose.agent_id)
    if not line.word(1):
        return m.RequestGetWorkbinContent(tenant_id=whose.tenant_id, workbin=workbin)
    return m.RequestPlaceInWorkbin(
        tenant_id=whose.tenant_id, interaction_id=line.words[1], workbin=workbin
    )


_REQUESTS: dict[str, Callable[[Whose, Line], Request]] = {
    "logout": lambda whose, line: m.RequestAgentLogout(**whose.agent(line, 0)),
    "login": lambda whose, line: m.RequestAgentLogin(
        **whose.agent(line, media_list=media_of(line.word(0)))
    ),
    "ready": lambda whose, line: m.RequestCancelNotReadyForMedia(
        **whose.agent(line, 1, media_type_name=line.words[0])
    ),
    "notready": lambda whose, line: m.RequestNotReadyForMedia(
        **whose.agent(line, 1, media_type_name=line.words[0])
    ),
    "add": lambda whose, line: m.RequestAddMedia(
        **whose.agent(line, media_type_name=line.words[0])
    ),
    "remove": lambda whose, line: m.RequestRemoveMedia(
        **whose.agent(line, media_type_name=line.words[0])
    ),
    "dnd": _dnd,
    "reason": lambda whose, line: m.RequestChangeAgentStateReason(**whose.agent(line, 0)),
    "media-reason": lambda whose, line: m.RequestChangeMediaStateReason(
        **whose.agent(line, 1, media_type_name=line.words[0])
    ),
    "pull": _pull,
    "transfer": lambda whose, line: m.RequestTransfer(
        **whose.interaction(line, agent_id=line.words[1])
    ),
    "conference": lambda whose, line: m.RequestConference(
        **whose.interaction(line, agent_id=line.words[1], **_mode(line.word(2)))
    ),
    "intrude": lambda whose, line: m.RequestIntrude(
        **whose.interaction(line, **_mode(line.word(1)))
    ),
    "leave": lambda whose, line: m.RequestLeaveInteraction(**whose.interaction(line)),
    "place": lambda whose, line: m.RequestPlaceInQueue(
        **whose.interaction(line, queue=line.words[1])
    ),
    "workbin": _workbin,
    "stop": lambda whose, line: m.RequestStopProcessing(**whose.interaction(line, 1)),
    "hold": lambda whose, line: m.RequestHold(**whose.interaction(line)),
    "resume": lambda whose, line: m.RequestResume(**whose.interaction(line)),
    "show": lambda whose, line: m.RequestGetInteractionProperties(**whose.interaction(line)),
    "change": _change,
}


def request_of(whose: Whose, line: Line) -> Request | None:
    """
    The request that a line is; None: it is about what is known here.

    :raise UsageError: a word of it is not what it should be.
    """
    make = _REQUESTS.get(line.verb)
    return make(whose, line) if make else None


def answer_to(whose: Whose, invite: m.EventInvite, verb: str, reason: str) -> Request:
    """Accept or reject an invitation."""
    about: dict[str, Any] = {
        "tenant_id": whose.tenant_id,
        "interaction_id": invite.interaction_id,
        "ticket_id": invite.ticket_id,
    }
    if reason:
        about["reason"] = m.Reason(reason_description=reason)
    return m.RequestAccept(**about) if verb == "accept" else m.RequestReject(**about)
