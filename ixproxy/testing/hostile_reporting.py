"""
What a node that cannot be believed tells of agents: to a proxy under test, as frames.

Theory of operation: much of it is of a stream as it should be, or the proxy
would drop all the rest: a `Begin`, states, an `End`, then events by the next
number. Between these come wrong numbers, counts that are lies, states that
nobody began, logins that name no session, logouts of agents whom nobody knows,
parties of interactions that nobody has, changes that are none, and events for
clients that are not there.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from ixproxy import messages as m
from ixproxy.messages.message import Event, Party, Reason
from ixproxy.wire.codec import encode
from ixproxy.wire.streams import BEGIN, END, LOST, RESYNC

AGENTS = ("ann", "bob", "nobody", "", "x" * 255)
COUNTS = (0, 1, 2, 1000, 10**9, 2**63 - 1)
MEDIA = ("email", "chat", "nothing", "")
OPERATIONS = (
    "MediaAdded", "MediaRemoved", "ReadyForMedia", "NotReadyForMedia", "MediaStateReasonChanged",
    "AgentStateReasonChanged", "DoNotDisturbOn", "DoNotDisturbOff", "Logout", "Nonsense", "",
)  # fmt: skip
TIMES = (0.0, 1.0, 1_800_000_000.0, 253402300799.0)
_PLAIN = (
    m.EventAgentAvailable, m.EventAgentNotAvailable, m.EventDoNotDisturbOn,
    m.EventDoNotDisturbOff, m.EventAgentStateReasonChanged, m.EventAgentLogout,
    m.EventAgentConnectionClosed, m.EventCurrentAgentStatus,
)  # fmt: skip
_OF_MEDIA = (
    m.EventMediaAdded, m.EventMediaRemoved, m.EventReadyForMedia, m.EventNotReadyForMedia,
    m.EventMediaStateReasonChanged,
)  # fmt: skip
_OF_PARTY = (
    m.EventPartyAdded, m.EventPartyRemoved, m.EventAgentInvited, m.EventAccepted,
    m.EventRejected, m.EventRevoked, m.EventInvite,
)  # fmt: skip
_OF_INTERACTION = (
    m.EventInteractionSubmitted, m.EventPropertiesChanged, m.EventProcessingStopped,
    m.EventHeld, m.EventPlacedInQueue, m.EventCustomReporting,
)  # fmt: skip


class HostileReporter:
    """
    One node's reporting.

    :ivar last: the number of the last event of its stream.
    """

    def __init__(self, chance: random.Random, dbid: int) -> None:
        self._chance = chance
        self._dbid = dbid
        self.last = 0

    def frames(self, clients: int) -> list[bytes]:
        """
        The next things that it says.

        :param clients: how many clients the proxy has registered there.
        """
        draw = self._chance.random()
        if draw < 0.25:
            return [encode(event) for event in self._begun()]
        if draw < 0.75:
            return [encode(self._numbered(event)) for event in self._events()]
        client = self._chance.randrange(clients + 3)
        return [encode(self._for_client(), client=client)]

    def _begun(self) -> Iterator[Event]:
        """An initial state, mostly with as many agents as it says."""
        chance = self._chance
        told = [self._state() for _ in range(chance.randrange(4))]
        said = len({(state.tenant_id, state.agent_id) for state in told})
        count = said if chance.random() < 0.8 else chance.choice(COUNTS)
        self.last = chance.choice((0, self.last, 5, 2**63 - 2))
        yield m.EventActivityReport(
            activity=BEGIN, number_of_agents=count, reporting_event_sequence_number=self.last
        )
        yield from told
        if chance.random() < 0.9:
            yield m.EventActivityReport(activity=chance.choice((END,) * 8 + (LOST, "Nonsense", "")))

    def _numbered(self, event: Event) -> Event:
        chance = self._chance
        number = min(self.last + 1, 2**63 - 1)
        if chance.random() < 0.05:
            number = chance.choice((*COUNTS, self.last, self.last + 2 if self.last < 9 else 3))
        previous = 0 if chance.random() < 0.97 else chance.choice((*COUNTS, self.last))
        self.last = number
        return replace(
            event,
            reporting_event_sequence_number=number,
            previous_sequence_number=previous,
            event_time=chance.choice(TIMES),
            event_number=chance.choice(COUNTS),
            dbid=chance.choice((self._dbid, 0, 999)),
            extension=chance.choice(({}, {}, {RESYNC: 1}, {RESYNC: "x", "ByServer": [1]})),
        )

    def _events(self) -> Iterator[Event]:
        chance = self._chance
        for _ in range(chance.randrange(1, 5)):
            about = self._agent()
            draw = chance.randrange(7)
            if draw == 0:
                yield m.EventAgentLogin(
                    **about, media_list=self._media(), media_reasons={"nothing": Reason(reason=1)}
                )
            elif draw == 1:
                yield chance.choice(_PLAIN)(**about)
            elif draw == 2:
                yield chance.choice(_OF_MEDIA)(**about, media_type_name=chance.choice(MEDIA))
            elif draw == 3:
                names = [chance.choice(AGENTS) for _ in range(chance.choice((0, 1, 3, 50)))]
                yield m.EventMassAgentLogout(
                    tenant_id=chance.choice((0, 1, 2)), application_name="desk", agents=names,
                    number_of_agents=chance.choice(COUNTS),
                )  # fmt: skip
            elif draw == 4:
                yield chance.choice(_OF_INTERACTION)(
                    tenant_id=1, interaction_id=self._id(), interaction={"MediaType": 5, "k": []}
                )
            elif draw == 5:
                yield self._state()
            else:
                yield self._of_party()

    def _for_client(self) -> Event:
        """What is said to a client of the proxy, or to nobody."""
        chance = self._chance
        if chance.random() < 0.5:
            return m.EventForcedAgentStateChange(
                **self._agent(),
                media_type_name=chance.choice(MEDIA),
                media_list=self._media(),
                donot_disturb=chance.choice((0, 1, -(2**63))),
                agent_state_change_operation=chance.choice(OPERATIONS),
                by_server=chance.random() < 0.7,
            )
        return self._of_party()

    def _of_party(self) -> Event:
        chance = self._chance
        kind = chance.choice(_OF_PARTY)
        more: dict[str, Any] = {}
        if kind in (m.EventInvite, m.EventAccepted, m.EventRevoked):
            more["ticket_id"] = chance.choice(COUNTS)
        about = self._agent()
        del about["place_id"]
        return kind(
            **about, **more, interaction_id=self._id(), operation=chance.choice(OPERATIONS),
            party=chance.choice((None, Party(agent_id="ann"))),
        )  # fmt: skip

    def _state(self) -> m.EventPlaceAgentState:
        held = {self._id(): {"MediaType": "email"} for _ in range(self._chance.randrange(3))}
        parties = {self._id(): Party(agent_id="ann")}
        return m.EventPlaceAgentState(
            **self._agent(), media_list=self._media(), interactions=held, parties=parties
        )

    def _agent(self) -> dict[str, Any]:
        chance = self._chance
        stamp = chance.randrange(1, 9), self._dbid
        return {
            "tenant_id": chance.choice((1, 1, 1, 1, 0, 2)),
            "agent_id": chance.choice(AGENTS[:2] if chance.random() < 0.7 else AGENTS),
            "place_id": chance.choice(("", "p1")),
            "agent_session": chance.choice((stamp, stamp, stamp, None, (2**63 - 1, 0), (0, 0))),
        }

    def _media(self) -> dict[str, int]:
        chance = self._chance
        return {name: chance.choice((0, 1, -5)) for name in MEDIA[: chance.randrange(4)]}

    def _id(self) -> str:
        return self._chance.choice("abcde")
