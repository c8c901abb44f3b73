"""A node, whose writer and readers go on when a test says so, and what its streams must say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ixproxy.messages import (
    EventActivityReport,
    EventPlaceAgentState,
    RequestAgentLogin,
    RequestAgentLogout,
    RequestCancelNotReadyForMedia,
    RequestNotReadyForMedia,
    RequestPlaceInQueue,
    RequestPull,
    RequestStartPlaceAgentStateReportingAll,
    RequestSubmit,
)
from ixproxy.messages.message import Event
from ixproxy.net.node_limits import NodeLimits
from ixproxy.node.log_packs import entries_of
from ixproxy.node.log_rules import LogRules
from ixproxy.node.model import NodeSettings
from ixproxy.wire.codec import decode
from ixproxy.wire.names import Kind
from ixproxy.wire.streams import filter_of, numbered
from tests.net.node_rig import NodeRig, RawPeer

AGENT: dict[str, Any] = {"tenant_id": 1, "agent_id": "ann"}
SUBMIT = RequestSubmit(tenant_id=1, media_type="email", queue="In")


def told(peer: RawPeer, client: int = 0) -> list[tuple[str, int]]:
    """What a subscriber was told: names (or activities) and numbers, load facts left out."""
    return [
        (
            event.activity if isinstance(event, EventActivityReport) else type(event).__name__[5:],
            event.reporting_event_sequence_number,
        )
        for event in peer.events(client)
        if type(event).__name__ != "EventNodeLoad"
    ]


def names(peer: RawPeer, client: int = 0) -> list[str]:
    return [name for name, _ in told(peer, client)]


def stall(peer: RawPeer) -> None:
    """It reads no more."""
    peer.transport.pauseProducing()  # type: ignore[union-attr]


def read_on(peer: RawPeer) -> None:
    peer.transport.resumeProducing()  # type: ignore[union-attr]


class Run:
    """
    One run. Everything that is reported goes to a log, too, against which
    streams are held.
    """

    def __init__(self, limits: NodeLimits | None = None) -> None:
        self.rig = NodeRig(limits, NodeSettings(logs={"log": LogRules()})).start()
        self.media = self.rig.client("MediaServer")
        self.desk = self.rig.client("AgentApplication")
        self.desk.ask(RequestAgentLogin(media_list={"email": 1}, **AGENT))
        self.readers: dict[str, RawPeer] = {}
        self._untold: tuple[Callable[[Any], None], Any] | None = None

    def begin(self, name: str, filter: dict[str, Any] | None = None) -> None:
        """A reporting client begins its stream, or begins it anew."""
        if name not in self.readers:
            if name.startswith("proxy"):
                self.readers[name] = self.rig.proxy(name)
            else:
                self.readers[name] = self.rig.client("ReportingEngine", client_name=name)
        self.readers[name].send(RequestStartPlaceAgentStateReportingAll(filter=filter or {}))

    def do(self, what: str) -> None:
        """Something happens, or is asked for and happens some time."""
        if what == "submit":
            self.media.send(SUBMIT)
        elif what == "pull":
            self.desk.send(RequestPull(tenant_id=1, view_id="In/All"))
        elif what == "place":
            frames = [frame for frame in self.desk.frames if frame.kind == Kind.REPLY]
            held = [id for f in frames for id in getattr(decode(f), "interactions", {})]
            for id in held[-1:]:
                place = RequestPlaceInQueue(tenant_id=1, interaction_id=id, queue="In")
                self.desk.send(place)
        elif what in ("ready", "not ready"):
            kind = RequestCancelNotReadyForMedia if what == "ready" else RequestNotReadyForMedia
            self.desk.send(kind(media_type_name="email", **AGENT))
        elif what == "log out":
            self.desk.send(RequestAgentLogout(**AGENT))
        elif what == "log in":
            self.desk.send(RequestAgentLogin(media_list={"email": 0}, **AGENT))
        elif what == "write":
            self._tell()
            self._turn("writer")
        elif what == "commit":
            self._commit()
        elif what == "read":
            for number in range(2):
                self._turn(f"reader-{number}")
        elif what == "turn":
            self.rig.settle()
        else:
            raise AssertionError(what)

    def hold(self) -> None:
        """From now on the writer and the readers wait to be told."""
        for executor in self.rig.executors.values():
            executor.paused = True

    def _commit(self) -> None:
        """The writer does its job, and nobody is told yet."""
        self.rig.settle()
        if self._untold is None and self.rig.writer.jobs:
            job, done = self.rig.writer.jobs.popleft()
            self._untold = done, job()

    def _tell(self) -> None:
        if self._untold is not None:
            (done, result), self._untold = self._untold, None
            done(result)
            self.rig.settle()

    def _turn(self, executor: str) -> None:
        self.rig.settle()
        self.rig.executors[executor].run_one()
        self.rig.settle()

    def rest(self) -> None:
        """Everything goes on to its end."""
        self._tell()
        for executor in self.rig.executors.values():
            executor.resume()
        self.rig.settle()

    def logged(self) -> list[Event]:
        """All that was reported, by the log."""
        rows = sorted(self.rig.rows("outbox"), key=lambda row: int(row["event_number"]))
        entries = [each for row in rows for each in entries_of(101, row["body"])[0]]
        return [each.what for each in entries if isinstance(each.what, Event)]

    def stream(self, name: str) -> list[Any]:
        """The last stream of a client, from its Begin."""
        events = [
            event
            for event in self.readers[name].events()
            if type(event).__name__ != "EventNodeLoad"
        ]
        begins = [
            at
            for at, event in enumerate(events)
            if isinstance(event, EventActivityReport) and event.activity == "Begin"
        ]
        return events[begins[-1] :]

    def check(self, name: str, given: dict[str, Any] | None = None) -> None:
        """A stream has, whole and once, what was reported behind its states."""
        begin, *rest = self.stream(name)
        states = [event for event in rest if isinstance(event, EventPlaceAgentState)]
        assert begin.number_of_agents == len(states)
        assert rest[: len(states)] == states
        end, *events = rest[len(states) :]
        assert (end.activity, end.event_number) == ("End", begin.event_number)
        wanted = filter_of({1}, given or {})
        behind = [
            event
            for event in self.logged()
            if event.event_number > begin.event_number and wanted.accepts(event)
        ]
        assert [numbered(event, 0) for event in events] == behind
        self._check_numbers(begin, events, wanted.narrows)
        self._check_outcome(states, events, wanted.narrows)

    def _check_numbers(self, begin: Event, events: list[Event], narrows: bool) -> None:
        last = begin.reporting_event_sequence_number
        for event in events:
            if narrows:
                assert event.previous_sequence_number == last
                assert event.reporting_event_sequence_number > last
            else:
                assert event.previous_sequence_number == 0
                assert event.reporting_event_sequence_number == last + 1
            last = event.reporting_event_sequence_number

    def _check_outcome(
        self, states: list[EventPlaceAgentState], events: list[Any], narrows: bool
    ) -> None:
        """Who follows the stream from its states comes to what the node has."""
        if narrows:
            return
        media = {state.agent_id: dict(state.media_list) for state in states}
        hands = {state.agent_id: set(state.interactions) for state in states}
        for event in events:
            kind = type(event).__name__
            if kind == "EventAgentLogin":
                assert event.agent_id not in media
                media[event.agent_id] = dict(event.media_list)
                hands[event.agent_id] = set()
            elif kind == "EventAgentLogout":
                assert not hands.pop(event.agent_id)
                del media[event.agent_id]
            elif kind in ("EventReadyForMedia", "EventNotReadyForMedia"):
                ready = int(kind == "EventReadyForMedia")
                media[event.agent_id][event.media_type_name] = ready
            elif kind == "EventPartyAdded":
                hands[event.agent_id].add(event.interaction_id)
            elif kind == "EventPartyRemoved":
                hands[event.agent_id].remove(event.interaction_id)
        assert set(media) == {row["agent_id"] for row in self.rig.rows("agents")}
        held = {(row["agent_id"], row["interaction_id"]) for row in self.rig.rows("parties")}
        assert {(agent, id) for agent, ids in hands.items() for id in ids} == held

    def stop(self) -> None:
        self.rig.stop()
        self.rig.place.discard()
