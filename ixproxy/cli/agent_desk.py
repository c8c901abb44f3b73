"""
The agent of `ixctl agent`: carries out one line after another, and keeps in mind what it has.

Theory of operation: what is in hand is known by the client library. Which
invitations wait is followed here: one begins with its EventInvite, and ends
when it is answered, revoked, or taken by another of the agent's clients. When
the connection is lost they are forgotten: servers tell them again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from twisted.internet.defer import Deferred

from ixproxy import messages as m
from ixproxy.cli.agent_asking import Whose, answer_to, request_of
from ixproxy.cli.agent_verbs import LAST, Line, help_lines
from ixproxy.cli.connecting import Asking
from ixproxy.cli.event_text import event_line, event_record
from ixproxy.cli.key_values import seconds
from ixproxy.cli.outcomes import UsageError
from ixproxy.cli.output import Output
from ixproxy.cli.results import show_answer, show_missing
from ixproxy.errors import RequestRefused
from ixproxy.messages.answers import InteractionsAnswer
from ixproxy.messages.message import Message, Request

SETTLING_SECONDS = 600.0
"""For what is answered only when somebody else has decided: the node ends it before."""

LOGOUT = "Logout"
_SETTLED_LATER = (m.RequestTransfer, m.RequestConference)


class Staying(Asking, Protocol):
    """What is needed of the client, beside asking."""

    @property
    def connected(self) -> bool:
        """Whether there is a connection."""

    @property
    def closing(self) -> bool:
        """Whether it is being closed."""

    @property
    def holding(self) -> Mapping[str, int]:
        """Interaction ids that are in hand."""

    def on_connection(self, callback: Callable[[m.ServerFacts | None], None]) -> None:
        """Have losses and returns told."""

    def on_not_restored(self, callback: Callable[[Message, RequestRefused], None]) -> None:
        """Have told what does not come back."""


class Desk:
    """
    One agent at one client.

    :param media: what `login` logs in with when it names nothing itself.
    :param clock: measures how long `wait` waits.
    :ivar media: media type to 1 (ready) or 0, of an agent who is logged in.
    :ivar invited: invitations that wait, by ticket.
    """

    def __init__(
        self,
        client: Staying,
        whose: Whose,
        media: Mapping[str, int],
        output: Output,
        clock: Any,
        timeout: float,
    ) -> None:
        self._client = client
        self._whose = whose
        self._media_wanted = dict(media)
        self._output = output
        self._clock = clock
        self._timeout = timeout
        self._waiting: list[tuple[str, Deferred[None]]] = []
        self.media: dict[str, int] = {}
        self.session: tuple[int, int] | None = None
        self.logged_in = False
        self.dnd = False
        self.invited: dict[int, m.EventInvite] = {}
        client.on_event(self.event_received)
        client.on_connection(self.connection_changed)
        client.on_not_restored(self.not_restored)

    @property
    def words(self) -> set[str]:
        """What may be meant by a word that is begun: ids, tickets, media types, events."""
        ids = {each.interaction_id for each in self.invited.values()} | set(self._client.holding)
        return ids | set(map(str, self.invited)) | self._media_wanted.keys() | self.media.keys()

    async def carry_out(self, line: Line) -> None:
        """
        Do what a line says, and print what came of it.

        :raise UsageError: its words make no sense here.
        :raise RequestRefused: the server refused it.
        """
        own = {
            "accept": self._answer_invitation,
            "reject": self._answer_invitation,
            "wait": self._wait,
        }.get(line.verb)
        if own is not None:
            await own(line)
        elif line.verb == "list":
            self._list()
        elif line.verb == "status":
            self._status()
        elif line.verb == "help":
            self._help(line.word(0))
        else:
            request = request_of(self._whose, self._with_id(line))
            assert request is not None, line
            if isinstance(request, m.RequestAgentLogin) and not request.media_list:
                request = m.RequestAgentLogin(
                    **self._whose.agent(line, media_list=self._media_wanted)
                )
            await self._ask(line.verb, request)

    async def log_out(self) -> None:
        """Log out, if logged in; a server that refuses, or is not there, is passed over."""
        if not (self.logged_in and self._client.connected):
            return
        try:
            await self._ask("logout", m.RequestAgentLogout(**self._whose.agent(Line("logout"))))
        except RequestRefused as problem:
            self._output.note(f"not logged out: {problem}")

    def _with_id(self, line: Line) -> Line:
        """The line with an id in the place of `.`."""
        if LAST not in line.words:
            return line
        if not self._client.holding:
            raise UsageError(f"{LAST!r} stands for what is in hand, and nothing is")
        last = list(self._client.holding)[-1]
        return Line(line.verb, tuple(last if word == LAST else word for word in line.words))

    async def _ask(self, verb: str, request: Request) -> None:
        patience = SETTLING_SECONDS if isinstance(request, _SETTLED_LATER) else self._timeout
        answer = await self._client.ask(request, max(patience, self._timeout))
        message, partial = answer
        if isinstance(message, InteractionsAnswer):
            show_answer(message, partial, self._output, verb)
            if isinstance(message, m.EventPulledInteractions):
                show_missing(message.errors, self._output)
        elif isinstance(message, m.EventInteractionProperties):
            identifier = getattr(request, "interaction_id", "")
            self._output.record({"interaction_id": identifier, "properties": message.interaction})
            if not self._output.json:
                self._output.properties(message.interaction)
        else:
            self._follow(request, message)
            self._done(verb, request, message)

    def _done(self, verb: str, request: Request, answer: Message) -> None:
        record: dict[str, object] = {"command": verb, "done": True}
        about = getattr(request, "interaction_id", "") or getattr(request, "media_type_name", "")
        if about:
            record["about"] = about
        if isinstance(answer, m.EventAck) and answer.agent_session:
            record["agent_session"] = list(answer.agent_session)
        self._output.record(record, f"{verb} {about}".rstrip() + ": done")

    def _follow(self, request: Request, answer: Message) -> None:
        """What an agent's own request changed."""
        match request:
            case m.RequestAgentLogin():
                self.logged_in = True
                self.session = getattr(answer, "agent_session", None)
                self.media.update(request.media_list)
            case m.RequestAgentLogout():
                self._logged_out()
            case m.RequestDoNotDisturbOn():
                self.dnd = True
            case m.RequestDoNotDisturbOff():
                self.dnd = False
            case m.RequestAddMedia():
                self.media.setdefault(request.media_type_name, 0)
            case m.RequestRemoveMedia():
                self.media.pop(request.media_type_name, None)
            case m.RequestCancelNotReadyForMedia():
                self.media[request.media_type_name] = 1
            case m.RequestNotReadyForMedia():
                self.media[request.media_type_name] = 0

    def _logged_out(self) -> None:
        self.logged_in, self.session, self.dnd = False, None, False
        self.media.clear()
        self.invited.clear()

    async def _answer_invitation(self, line: Line) -> None:
        ticket, reason = line.word(0), line.word(1)
        if ticket and not ticket.isdecimal() and line.verb == "reject" and not reason:
            ticket, reason = "", ticket
        invite = self._invitation(ticket)
        await self._ask(line.verb, answer_to(self._whose, invite, line.verb, reason))
        self.invited.pop(invite.ticket_id, None)

    def _invitation(self, ticket: str) -> m.EventInvite:
        if not ticket:
            if len(self.invited) == 1:
                return next(iter(self.invited.values()))
            tickets = ", ".join(map(str, self.invited))
            waiting = f"name the ticket: {tickets}" if tickets else "no invitation waits"
            raise UsageError(waiting)
        if ticket.isascii() and ticket.isdecimal() and int(ticket) in self.invited:
            return self.invited[int(ticket)]
        raise UsageError(f"no invitation with ticket {ticket!r} waits; `list` shows those that do")

    async def _wait(self, line: Line) -> None:
        name = line.words[0].removeprefix("Event")
        patience = _patience(line.word(1) or str(self._timeout))
        if name == "Invite" and self.invited:
            return
        came: Deferred[None] = Deferred()
        waiting = (name, came)
        self._waiting.append(waiting)

        def over(result: Any, _: float) -> Any:
            raise UsageError(f"no Event{name} came within {patience:g} seconds")

        try:
            await came.addTimeout(patience, self._clock, over)
        finally:
            if waiting in self._waiting:
                self._waiting.remove(waiting)

    def _list(self) -> None:
        for identifier, number in self._client.holding.items():
            self._output.record(
                {"in_hand": identifier, "take_number": number}, f"in hand     {identifier}"
            )
        for ticket, invite in self.invited.items():
            what = invite.visibility_mode or invite.operation
            self._output.record(
                {
                    "invitation": ticket,
                    "interaction_id": invite.interaction_id,
                    "operation": invite.operation,
                    "visibility_mode": invite.visibility_mode,
                },
                f"invitation  {invite.interaction_id}  ticket {ticket}  {what}".rstrip(),
            )
        if not (self._client.holding or self.invited):
            self._output.line("nothing in hand, no invitation")

    def _status(self) -> None:
        server = self._client.server.name if self._client.connected else ""
        record: dict[str, object] = {
            "agent": self._whose.agent_id,
            "place": self._whose.place_id,
            "server": server,
            "logged_in": self.logged_in,
            "agent_session": list(self.session or ()),
            "media": dict(self.media),
            "dnd": self.dnd,
            "in_hand": len(self._client.holding),
            "invitations": len(self.invited),
        }
        media = ", ".join(
            f"{name} {'ready' if ready else 'not ready'}" for name, ready in self.media.items()
        )
        self._output.record(
            record,
            f"{self._whose.agent_id}: {'logged in' if self.logged_in else 'not logged in'}; "
            f"{f'connected to {server}' if server else 'no connection'}; "
            f"{media or 'no media'}; do-not-disturb {'on' if self.dnd else 'off'}; "
            f"{len(self._client.holding)} in hand, {len(self.invited)} invitations",
        )

    def _help(self, name: str) -> None:
        for usage, text in help_lines(name):
            self._output.record({"usage": usage, "help": text}, f"{usage:<28}  {text}")
        if not name:
            self._output.line(f"{LAST} in the place of an ID is what came in hand last.")

    def event_received(self, event: Message) -> None:
        """Something happened: print it, and note what it changes."""
        match event:
            case m.EventInvite():
                self.invited[event.ticket_id] = event
            case m.EventRevoked(ticket_id=ticket) if ticket:
                self.invited.pop(ticket, None)
            case m.EventAccepted():
                for ticket, invite in tuple(self.invited.items()):
                    if invite.interaction_id == event.interaction_id:
                        del self.invited[ticket]
            case m.EventForcedAgentStateChange(agent_id=agent) if agent == self._whose.agent_id:
                self._forced(event)
        self._output.record(event_record(event), event_line(event))
        name = type(event).__name__.removeprefix("Event")
        for waiting in [each for each in self._waiting if each[0] == name]:
            self._waiting.remove(waiting)
            waiting[1].callback(None)

    def _forced(self, event: m.EventForcedAgentStateChange) -> None:
        if event.agent_state_change_operation == LOGOUT:
            if event.agent_session in (None, self.session):
                self._logged_out()
        elif event.media_type_name or event.media_list:
            self.media = dict(event.media_list)
        else:
            self.dnd = bool(event.donot_disturb)

    def connection_changed(self, server: m.ServerFacts | None) -> None:
        """The connection was lost, or is there again."""
        if self._client.closing:
            return
        if server is None:
            self.invited.clear()
            self._output.record(
                {"connection": "lost"}, "The connection was lost; connecting again."
            )
        else:
            self._output.record(
                {"connection": "there", "server": server.name}, f"Connected to {server.name} again."
            )

    def not_restored(self, request: Message, problem: RequestRefused) -> None:
        """Something did not come back with the connection."""
        name = type(request).__name__
        self._output.record(
            {"connection": "there", "not_restored": name, "error": problem.code},
            f"{name} did not come back: {problem}",
        )


def _patience(text: str) -> float:
    try:
        return seconds(text)
    except Exception as problem:
        raise UsageError(str(problem)) from problem
