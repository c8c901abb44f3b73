"""A node under trial: the real rules over a real store in memory, and a clock to turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from ixproxy.errors import RequestRefused
from ixproxy.messages import (
    EventAck,
    EventPulledInteractions,
    RequestAgentLogin,
    RequestPull,
    RequestSubmit,
)
from ixproxy.messages.message import Event, Request
from ixproxy.node.answers import decoded
from ixproxy.node.batch import NodeCore
from ixproxy.node.log_packs import PACK, consumer_of, entries_of
from ixproxy.node.log_rules import LogRules
from ixproxy.node.model import MediaPlan, NodeModel, NodeSettings, TenantPlan, ViewPlan
from ixproxy.node.rows import (
    AgentRow,
    InteractionRow,
    InvitationRow,
    OutboxRow,
    PartyRow,
    SessionRow,
    TimerRow,
)
from ixproxy.node.turn import Turn
from ixproxy.node.work import (
    Answer,
    Asked,
    Effect,
    Outcome,
    Refuse,
    Registered,
    Sender,
    Tell,
    Tick,
    Work,
)
from ixproxy.node.working_set import WorkingSet
from ixproxy.storage.sqlite_places import SqliteMemory
from ixproxy.values import ClientType
from tests.node.failing_store import FailingStore

CUSTOM = {"Product": "string", "Amount": "number"}

ENVIRONMENT = TenantPlan(
    1,
    "Environment",
    {"email": MediaPlan(), "chat": MediaPlan(handling_timeout=5), "fax": MediaPlan(enabled=False)},
    {
        "Inbound": {
            "All": ViewPlan(),
            "Urgent": ViewPlan("Priority > 5", "Priority DESC"),
            "Old": ViewPlan("_age() > 60", freeze_interval=30),
            "Each": ViewPlan(segmentation=("Product",), segment_limit=1),
        },
        "Done": {"All": ViewPlan()},
        "Other": {"All": ViewPlan()},
    },
    {"Drafts": "agent", "Team": "agent-group", "Desk": "place", "Floor": "place-group"},
)
SECOND = TenantPlan(
    2,
    "Second",
    {"email": MediaPlan()},
    {"Inbound": {"All": ViewPlan()}},
    {"Drafts": "agent"},
    agents=frozenset({"Ann"}),
    places=frozenset({"P1"}),
    agent_groups=frozenset(),
    place_groups=frozenset(),
)


class TriedNode:
    """
    :ivar now: the node's time; `wait` turns it.
    :ivar outcome: of the last batch.
    """

    def __init__(
        self,
        settings: NodeSettings | None = None,
        place: SqliteMemory | None = None,
        tenants: tuple[TenantPlan, ...] = (ENVIRONMENT, SECOND),
        dbid: int = 101,
    ) -> None:
        self.place = place or SqliteMemory()
        self.model = NodeModel(tenants, CUSTOM)
        self.settings = replace(settings or NodeSettings(), logs={"log": LogRules()})
        self.dbid = dbid
        self.now = 1_000_000.0
        self.outcome = Outcome()
        self._heard = 0
        self.start()

    def start(self) -> None:
        """A new process: nothing is left but what is stored."""
        columns = {known.column: known.kind.value for known in self.model.properties.custom}
        self.store = FailingStore(self.place, columns)
        self.core = NodeCore(self.store, self.model, self.settings, "ixn1", self.dbid)
        self.epoch = self.core.start(self.now)

    def restart(self) -> None:
        """Stop and start again."""
        self.store.close()
        self.start()

    def discard(self) -> None:
        self.store.close()
        self.place.discard()

    def client(
        self,
        name: str,
        client_type: str = ClientType.MEDIA_SERVER,
        *,
        tenants: tuple[int, ...] = (1, 2),
        through_proxy: bool = False,
        wants_properties_changed: bool = False,
        session: bytes = b"",
        strategies: tuple[str, ...] = (),
    ) -> Sender:
        """A registered client; a router with `strategies` is pushed work for them."""
        sender = Sender(
            session or name.encode().ljust(16, b"."),
            name,
            client_type,
            frozenset(tenants),
            through_proxy,
            wants_properties_changed,
        )
        self.run(Registered(sender, 1, strategies=strategies))
        return sender

    def media_server(self, name: str = "mail-1", **more: Any) -> Sender:
        return self.client(name, ClientType.MEDIA_SERVER, **more)

    def router(self, name: str = "ors-1", **more: Any) -> Sender:
        return self.client(name, ClientType.ROUTING_ENGINE, **more)

    def desktop(self, name: str = "desk-1", **more: Any) -> Sender:
        return self.client(name, ClientType.AGENT_APPLICATION, **more)

    def agent(self, agent_id: str = "Ann", name: str = "", **more: Any) -> Sender:
        """A desktop with an agent logged in."""
        sender = self.desktop(name or f"desk-{agent_id}", **more)
        self.ask(
            sender, RequestAgentLogin(tenant_id=1, agent_id=agent_id, place_id=f"P-{agent_id}")
        )
        return sender

    def run(self, *works: Work) -> Outcome:
        """One batch."""
        self.outcome = self.core.run(works, self.now)
        assert self.outcome.failures == []
        return self.outcome

    def perform(self, sender: Sender, request: Request) -> Effect:
        """The one effect that answers a request."""
        self.run(Asked(sender, request, 0, "token"))
        found = [each for each in self.outcome.effects if getattr(each, "token", None) == "token"]
        assert len(found) == 1
        return found[0]

    def begin(self, sender: Sender, request: Request, token: str = "later") -> None:
        """Ask for something that is answered when it is settled."""
        self.run(Asked(sender, request, 0, token))
        assert self.settled(token) == []

    def settled(self, token: str = "later") -> list[Effect]:
        """What the last batch answered such a request with."""
        return [each for each in self.outcome.effects if getattr(each, "token", None) == token]

    def ask(self, sender: Sender, request: Request) -> Any:
        """The answer to a request; a refusal raises."""
        effect = self.perform(sender, request)
        if isinstance(effect, Refuse):
            raise RequestRefused(effect.code, effect.description, in_doubt=effect.in_doubt)
        assert isinstance(effect, Answer), effect
        return effect.message

    def refusal(self, sender: Sender, request: Request) -> int:
        """The code by which a request is refused; nothing has changed then."""
        before = self.stored()
        number = self.core.last_event_number
        effect = self.perform(sender, request)
        assert isinstance(effect, Refuse), effect
        assert self.stored() == before
        assert self.core.last_event_number == number
        return effect.code

    def submit(self, sender: Sender, queue: str = "Inbound", **more: Any) -> str:
        """Submit an e-mail; its id."""
        if "workbin" in more:
            queue = ""
        more = {"tenant_id": 1, "media_type": "email", "queue": queue, **more}
        ack: EventAck = self.ask(sender, RequestSubmit(**more))
        return ack.interaction_id

    def pull(self, sender: Sender, view: str = "Inbound/All", **more: Any) -> dict[str, int]:
        """Pull; ids and take numbers."""
        answer: EventPulledInteractions = self.ask(
            sender, RequestPull(tenant_id=1, view_id=view, **more)
        )
        assert answer.interactions.keys() == answer.take_numbers.keys()
        return answer.take_numbers

    def pull_ids(self, sender: Sender, *ids: str) -> dict[str, int]:
        """Pull by ids; those taken and their take numbers."""
        return self.pull(sender, "_system_", pull_parameters=dict.fromkeys(ids, ""))

    def wait(self, seconds: float) -> Outcome:
        """Time passes, and the node notices."""
        self.now += seconds
        return self.run(Tick())

    def told(self, sender: Sender) -> list[Event]:
        """The events that the last batch had for a client, in order."""
        effects = self.outcome.effects
        return [
            each.event
            for each in effects
            if isinstance(each, Tell) and each.session == sender.session
        ]

    def names_told(self, sender: Sender) -> list[str]:
        return [type(event).__name__ for event in self.told(sender)]

    def reported(self) -> list[Any]:
        """The reporting events since the last call, as an event log gets them."""
        rows = [row for row in self.logged("log") if row.event_number > self._heard]
        self._heard = max((row.event_number for row in rows), default=self._heard)
        return [each.what for row in rows for each in entries_of(self.dbid, row.body)[0]]

    def logged(self, log: str) -> list[OutboxRow]:
        """What waits for an event log."""
        rows: list[OutboxRow] = self.store.outbox(consumer_of(log), 10_000)
        return rows

    def logged_sizes(self, log: str) -> list[int]:
        """Bytes of each event that waits for it: of its name, and of all its attributes."""
        rows = [msgspec.msgpack.decode(row.body) for row in self.logged(log)]
        packs = [events for what, _, _, events in rows if what == PACK]
        return [len(name) + len(body) for events in packs for name, body in events]

    def names_reported(self) -> list[str]:
        return [type(event).__name__ for event in self.reported()]

    def effects(self, kind: type[Effect]) -> list[Any]:
        """Effects of one kind of the last batch."""
        return [each for each in self.outcome.effects if isinstance(each, kind)]

    def turn(self) -> Turn:
        """What a rule would have in hand, in no transaction."""
        at = self.core._standing
        rows = WorkingSet(self.store, at.journal)
        return Turn(
            rows, at.memory, self.model, self.settings, at.identity, self.now, spools=at.spools
        )

    def row(self, id: str) -> InteractionRow | None:
        """An interaction as it is stored."""
        found: list[InteractionRow] = self.store.fetch("interactions", [(id,)])
        return found[0] if found else None

    def kept(self, id: str) -> InteractionRow:
        """The same where it must be there."""
        row = self.row(id)
        assert row is not None
        return row

    def user_data(self, id: str) -> Mapping[str, Any]:
        return decoded(self.kept(id).user_data)

    def parties(self, id: str) -> list[PartyRow]:
        return list(self.store.fetch_by("parties", "interaction_id", [id]))

    def timer(self, kind: str, id: str) -> TimerRow | None:
        found: list[TimerRow] = self.store.fetch("timers", [(kind, id)])
        return found[0] if found else None

    def invitations(self) -> list[InvitationRow]:
        return list(self.store.fetch_by("invitations", "tenant_id", [1, 2]))

    def agents(self) -> list[AgentRow]:
        return list(self.store.fetch_by("agents", "confirmed", [0, 1]))

    def sessions(self) -> list[SessionRow]:
        types = [each.value for each in ClientType]
        return list(self.store.fetch_by("sessions", "client_type", types))

    def stored(self) -> list[Any]:
        """All rows but those of the outbox, comparable."""
        tables: dict[str, tuple[str, list[Any]]] = {
            "interactions": ("tenant_id", [1, 2]),
            "parties": ("tenant_id", [1, 2]),
            "receipts": ("tenant_id", [1, 2]),
            "timers": ("kind", ["handling", "routing", "delivering"]),
            "invitations": ("tenant_id", [1, 2]),
            "snapshots": ("tenant_id", [1, 2]),
            "snapshot_members": ("state", [0, 1, 2, 3]),
        }
        rows = [
            row
            for table, (column, values) in tables.items()
            for row in self.store.fetch_by(table, column, values)
        ]
        return sorted([*rows, *self.agents(), *self.sessions()], key=repr)
