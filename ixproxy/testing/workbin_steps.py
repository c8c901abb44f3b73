"""
Steps of scripts about workbins: listened to, or no more; counted, and listed.

A round of them is of clients that do not touch one another's subscriptions, so all
may be asked together; what reads many interactions stands alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from ixproxy import messages as m
from ixproxy.messages.message import Reason, Workbin
from ixproxy.testing.steps import TENANT, Ask
from ixproxy.wire.workbins import WANTS_STOPS

WRONG = (
    Workbin(workbin_type_id="Nothing", workbin_agent_id="anna"),
    Workbin(workbin_type_id="Drafts"),
    Workbin(workbin_type_id="Drafts", workbin_group_id="loans"),
    Workbin(workbin_agent_id="anna"),
)
"""Workbins that there are not, or that belong to nobody."""

ORDERS = ("", "Priority DESC", "[MediaType]", "no such (")


class WorkbinSteps:
    """
    :param clients: those that may listen.
    :param workbins: those that something lies in, now and then.
    :param reason: names the next step.
    """

    def __init__(
        self,
        random: Random,
        clients: Sequence[int],
        workbins: Sequence[Workbin],
        reason: Callable[[], Reason],
    ) -> None:
        self._random = random
        self._clients = clients
        self._workbins = workbins
        self._reason = reason

    def listening(self) -> tuple[Ask, ...]:
        """Some clients listen to workbins, or listen no more."""
        random = self._random
        some = random.sample(self._clients, random.randrange(1, len(self._clients) + 1))
        return tuple(self._listening(client) for client in some)

    def _listening(self, client: int) -> Ask:
        random = self._random
        workbin = self._workbin()
        if random.random() < 0.15:
            end = m.RequestWorkbinCancelNotifications(
                tenant_id=TENANT, workbin=workbin, reason=self._reason()
            )
            return Ask(client, end)
        begin = m.RequestWorkbinNotifications(
            tenant_id=TENANT,
            workbin=workbin,
            notify_property_changes=int(random.random() < 0.7),
            extension={WANTS_STOPS: 1} if random.random() < 0.7 else {},
            reason=self._reason(),
        )
        return Ask(client, begin)

    def reading(self) -> Ask:
        """A client asks how much is in a workbin, or what, in which order."""
        random = self._random
        client = random.choice(self._clients)
        if random.random() < 0.5:
            workbin = self._workbin()
            if random.random() < 0.3:
                workbin = Workbin(workbin_agent_id=workbin.workbin_agent_id or "anna")
            return Ask(client, m.RequestWorkbinStatistic(tenant_id=TENANT, workbin=workbin))
        content = m.RequestGetWorkbinContent(
            tenant_id=TENANT, workbin=self._workbin(), order=random.choice(ORDERS)
        )
        return Ask(client, content)

    def _workbin(self) -> Workbin:
        return self._random.choice(WRONG if self._random.random() < 0.08 else self._workbins)


def custom_event(random: Random, client: int, reason: Reason, label: str = "") -> Ask:
    """
    A client has an event of its own distributed.

    :param label: of the interaction that it is about, as scripts name it; empty: none.
    """
    about = {"tenant_id": TENANT, "interaction_id": label, "reason": reason}
    event: dict[str, object] = {"n": random.randrange(100)}
    labels = (label[1:],) if label else ()
    if random.random() < 0.3:
        return Ask(client, m.RequestDistributeEvent(**about, event=event), labels)  # type: ignore[arg-type]
    request = m.RequestDistributeReportingEvent(
        **about,  # type: ignore[arg-type]
        custom_event_id=random.randrange(4),
        event=event,
    )
    return Ask(client, request, labels)
