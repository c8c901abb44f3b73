"""The requests of a load: made for what a client is to do, and told to its hands when answered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ixproxy import messages as m
from ixproxy.cli.load_content import Content
from ixproxy.cli.load_hands import Act, Hands
from ixproxy.cli.load_mix import Kind
from ixproxy.messages.message import Message, Request, Workbin

BY_IDS = "_system_"
"""The view of a pull by ids."""

NO_WORKBIN = Workbin()

FOUND = 10
"""Interactions that a find asks for."""


@dataclass(frozen=True, slots=True)
class Places:
    """
    Where a load happens.

    :ivar into: the queue that what is placed goes to.
    """

    tenant_id: int
    media_type: str = ""
    queue: str = ""
    view: str = ""
    into: str = ""
    workbin: Workbin = NO_WORKBIN


class Requests:
    """
    Makes requests.

    :param content: what is handed in, one after another.
    """

    def __init__(self, places: Places, content: Iterator[Content]) -> None:
        self._places = places
        self._content = content
        self._changes = 0

    def of(self, act: Act) -> Request:
        """The request for what is to be done."""
        places, tenant, subject = self._places, self._places.tenant_id, act.subject
        match act.kind:
            case Kind.SUBMIT:
                content = next(self._content)
                return m.RequestSubmit(
                    tenant_id=tenant,
                    media_type=content.media_type or places.media_type,
                    queue=content.queue or places.queue,
                    user_data=content.user_data,
                )
            case Kind.PULL:
                return m.RequestPull(
                    tenant_id=tenant, view_id=places.view, number_of_interactions=1
                )
            case Kind.CHANGE:
                self._changes += 1
                changed = {"Load": self._changes}
                return m.RequestChangeProperties(
                    tenant_id=tenant, interaction_id=subject, changed_properties=changed
                )
            case Kind.SHOW:
                return m.RequestGetInteractionProperties(tenant_id=tenant, interaction_id=subject)
            case Kind.FIND:
                return m.RequestFindInteractions(
                    tenant_id=tenant,
                    media_type=places.media_type,
                    condition=_in_queue(places.queue) if places.queue else "",
                    number_of_interactions=FOUND,
                )
            case Kind.PLACE:
                return m.RequestPlaceInQueue(
                    tenant_id=tenant, interaction_id=subject, queue=places.into
                )
            case Kind.HOLD:
                return m.RequestHold(tenant_id=tenant, interaction_id=subject)
            case Kind.RESUME:
                return m.RequestResume(tenant_id=tenant, interaction_id=subject)
            case Kind.STOP:
                return m.RequestStopProcessing(tenant_id=tenant, interaction_id=subject)
            case Kind.WORKBIN:
                return m.RequestPlaceInWorkbin(
                    tenant_id=tenant, interaction_id=subject, workbin=places.workbin
                )
            case Kind.CONTENT:
                return m.RequestGetWorkbinContent(tenant_id=tenant, workbin=places.workbin)
            case Kind.FETCH:
                return m.RequestPull(
                    tenant_id=tenant, view_id=BY_IDS, pull_parameters={subject: ""}
                )
            case Kind.LOGIN:
                media = {places.media_type: 1} if places.media_type else {}
                return m.RequestAgentLogin(
                    tenant_id=tenant, agent_id=subject, place_id=subject, media_list=media
                )
            case Kind.LOGOUT:
                return m.RequestAgentLogout(tenant_id=tenant, agent_id=subject)
        raise AssertionError(f"{act.kind} has no request")

    def answered(self, hands: Hands, act: Act, request: Request, answer: Message) -> bool:
        """
        Take over what an answer says.

        :return: whether a pull gave nothing.
        """
        if act.kind is Kind.SUBMIT:
            assert isinstance(request, m.RequestSubmit)
            identifier = getattr(answer, "interaction_id", "")
            hands.submitted(identifier, request.queue)
        elif isinstance(answer, m.EventPulledInteractions):
            for identifier in answer.interactions:
                hands.took(act, identifier)
            return not answer.interactions
        elif act.subject:
            hands.done(act)
        return False

    def queues(self) -> set[str]:
        """The queues that the load works on, as far as its options name them."""
        places = self._places
        named = (places.queue, places.into, places.view.rpartition("/")[0])
        return {queue for queue in named if queue}


def _in_queue(queue: str) -> str:
    """The condition, in the dialect of views, of being in a queue."""
    quoted = queue.replace("'", "''")
    return f"Queue = '{quoted}'"


def revoked(hands: Hands, event: Message) -> None:
    """An event for a client: what it names may be in its hands no more."""
    if isinstance(event, m.EventRevoked):
        hands.revoked(event.interaction_id)
