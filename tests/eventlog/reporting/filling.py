"""Logs for tests: written row by row, or what a small cluster would have logged in some hours."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from itertools import count
from pathlib import Path
from random import Random
from types import TracebackType

from ixproxy.eventlog.schemas import EVENT_TABLES, LOG, MERGED, VERSION, built_in, merged_part

NOON = 1_790_078_400.0
"""2026-09-22, 12:00 UTC."""

NODES = {101: "ixn1", 102: "ixn2", 103: "ixn3"}

NASTY = (
    "<script>alert('x')</script>",
    "תור & <b>\u202e",
    "q" * 10_000,
    "\x00\x07\u2028 ends",
)
"""Names of queues that whoever shows them must take care of."""


class LogFile:
    """
    A log in SQLite, by the schema of the product.

    :param merged: with the columns that a merge adds, and `skews`: by dbid, what it adds to times.
    """

    def __init__(
        self, path: Path, *, merged: bool = False, skews: dict[int, float] | None = None
    ) -> None:
        self.address = f"sqlite:{path}"
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.executescript(built_in("sqlite").creation())
        if merged:
            self.connection.executescript(merged_part("sqlite"))
        self.connection.execute("BEGIN")
        self._merged = merged
        self._skews = skews or {}
        kind = MERGED if merged else LOG
        self.connection.execute("INSERT INTO log_schema VALUES (?, ?)", (VERSION, kind))
        self._numbers: dict[int, count[int]] = {}
        self._merged_numbers = count(1)

    def __enter__(self) -> LogFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        for table in EVENT_TABLES:
            self.connection.execute(
                "UPDATE rpt_source SET logged_number = MAX(logged_number, COALESCE((SELECT"
                f" MAX(event_number) FROM {table} WHERE dbid = rpt_source.dbid), 0))"
            )
        self.connection.execute("COMMIT")
        self.connection.close()

    def insert(self, table: str, **row: object) -> None:
        """One row, of any table."""
        marks = ", ".join("?" * len(row))
        self.connection.execute(
            f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values())
        )

    def node(self, dbid: int, name: str, until: float) -> None:
        """A node that logs here."""
        self.insert(
            "rpt_source",
            dbid=dbid,
            node=name,
            logged_epoch=1,
            logged_number=0,
            logged_until=until,
        )

    def event(self, table: str, at: float, event: str, *, dbid: int = 101, **row: object) -> None:
        """One event, with the next number of its node."""
        number = next(self._numbers.setdefault(dbid, count(1)))
        row = {"tenant_id": 1, **row}
        late = row.pop("is_late", 0)
        if self._merged:
            row |= {
                "merged_number": next(self._merged_numbers),
                "merged_time": at + self._skews.get(dbid, 0.0),
                "is_late": late,
            }
        self.insert(
            table,
            dbid=dbid,
            epoch=1,
            event_number=number,
            event_time=at,
            event=event,
            **row,
        )

    def interaction(self, at: float, event: str, name: str, **row: object) -> None:
        """One event of an interaction."""
        self.event("rpt_interaction", at, event, interaction_id=name, **row)  # type: ignore[arg-type]

    def agent(self, at: float, event: str, name: str, **row: object) -> None:
        """One event of an agent."""
        self.event("rpt_agent", at, event, agent_id=name, **row)  # type: ignore[arg-type]


def busy_log(
    path: Path, *, merged: bool = True, interactions: int = 400, seed: int = 1, nasty: bool = True
) -> str:
    """
    What three nodes might have logged in some hours; its address.

    Everything that a page shows is in it: waiting, handling, calls, custom events, events that were
    dropped and late, names that a page must take care of.
    """
    chance = Random(seed)
    queues = ["Inbound.email", "Chat.sales", "Chat.support", "Back office", "Social", "Quality"]
    if nasty:
        queues += NASTY
    media = ["email", "chat", "chat", "task", "social"]
    agents = [f"agent.{name}" for name in ("anna", "bert", "carla", "dmitri", "eve", "farid")]
    with closing(_Script()) as script, LogFile(path, merged=merged, skews={102: 0.25}) as log:
        for dbid, name in NODES.items():
            log.node(dbid, name, NOON + 8 * 3600 - dbid % 100 * 60)
        for place, name in enumerate(agents):
            _a_day(script, chance, name, place, merged)
        for place in range(interactions):
            _a_life(script, chance, f"i{place:06}", queues, media, agents)
        for _, _, table, at, event, row in script.in_order():
            log.event(table, at, event, **row)  # type: ignore[arg-type]
        for dbid, first, event, dropped in (
            (102, 9000, "EventPropertiesChanged", 731),
            (102, 9000, "EventPlacedInQueue", 12),
            (103, 9500, "EventPartyAdded", 4),
        ):
            log.insert(
                "rpt_dropped",
                dbid=dbid,
                epoch=1,
                first_number=first,
                last_number=first + 800,
                first_time=NOON + 3600,
                last_time=NOON + 3725.5,
                event=event,
                dropped=dropped,
            )
    return f"sqlite:{path}"


class _Script:
    """Events, to be written in the order of their times."""

    def __init__(self) -> None:
        self._events: list[tuple[float, int, str, float, str, dict[str, object]]] = []

    def add(self, table: str, at: float, event: str, **row: object) -> None:
        self._events.append((at, len(self._events), table, at, event, row))

    def in_order(self) -> list[tuple[float, int, str, float, str, dict[str, object]]]:
        return sorted(self._events, key=lambda each: each[:2])

    def close(self) -> None:
        self._events.clear()


def _a_day(script: _Script, chance: Random, name: str, place: int, merged: bool) -> None:
    """One agent; in a log that is not merged each node tells it."""
    begin = NOON + place * 400
    told: list[tuple[float, str, dict[str, object]]] = [
        (
            begin,
            "EventAgentLogin",
            {"media_list": json.dumps({"email": 0, "chat": 1}), "do_not_disturb": place % 2},
        )
    ]
    at = begin
    for _ in range(chance.randrange(6, 14)):
        at += chance.uniform(300, 2400)
        what = chance.choice(("Ready", "NotReady", "Dnd", "Undnd"))
        medium = {"media_type": chance.choice(("email", "chat"))}
        told.append(
            {
                "Ready": (at, "EventReadyForMedia", medium),
                "NotReady": (at, "EventNotReadyForMedia", medium),
                "Dnd": (at, "EventDoNotDisturbOn", {}),
                "Undnd": (at, "EventDoNotDisturbOff", {}),
            }[what]  # type: ignore[arg-type]
        )
    if place != 3:
        told.append((at + 60, "EventAgentLogout", {}))
    for late, dbid in enumerate([101] if merged else NODES):
        for moment, event, row in told:
            row = {
                **row,
                "dbid": dbid,
                "agent_session_number": 7 + place,
                "agent_session_dbid": 101,
            }
            script.add("rpt_agent", moment + late * 0.01, event, agent_id=name, **row)


def _a_life(
    script: _Script,
    chance: Random,
    name: str,
    queues: list[str],
    media: list[str],
    agents: list[str],
) -> None:
    """One interaction, perhaps not to its end."""
    at = NOON + chance.triangular(0, 7 * 3600, 2 * 3600)
    queue = queues[min(int(chance.expovariate(0.5)), len(queues) - 1)]
    same = {
        "dbid": chance.choice(list(NODES)),
        "interaction_id": name,
        "media_type": chance.choice(media),
    }

    def add(event: str, **row: object) -> None:
        script.add("rpt_interaction", at, event, **same, **row)

    add("EventInteractionSubmitted", queue=queue, interaction_state=0, moved_to_queue_at=at)
    for _ in range(chance.randrange(1, 3)):
        if chance.random() < 0.06:
            return
        at += chance.expovariate(1 / 90) + 0.5
        agent = chance.choice(agents)
        party = {"party_type": 2, "party_agent": agent}
        add("EventTakenFromQueue", queue=queue, interaction_state=3, **party)
        add("EventPartyAdded", interaction_state=3, **party)
        if chance.random() < 0.2:
            _a_call(script, chance, at + 1, same)
        if chance.random() < 0.05:
            return
        at += chance.lognormvariate(5, 1)
        add("EventPartyRemoved", interaction_state=3, **party)
        if chance.random() < 0.6:
            add("EventProcessingStopped", queue=queue)
            return
        queue = chance.choice(queues)
        add("EventPlacedInQueue", queue=queue, interaction_state=0, moved_to_queue_at=at)
        if chance.random() < 0.1:
            late = 1 if chance.random() < 0.5 else 0
            script.add(
                "rpt_custom",
                at,
                "EventCustomReporting",
                **same,
                custom_event_id=chance.choice((0, 17, 18)),
                custom_event="{}",
                **({"is_late": late} if late else {}),
            )


def _a_call(script: _Script, chance: Random, at: float, same: dict[str, object]) -> None:
    server = chance.choice(("crm", "autoresponder", "classification"))
    call = {**same, "esp_server": server, "esp_request_id": f"{same['interaction_id']}-{at}"}
    script.add("rpt_esp", at, "EventExternalServiceRequested", **call)
    if chance.random() < 0.05:
        return
    if chance.random() < 0.15:
        call |= {"fault_code": "2", "fault_text": "it does not answer"}
    answered = at + chance.expovariate(1 / 0.4)
    script.add("rpt_esp", answered, "EventExternalServiceResponded", **call)
