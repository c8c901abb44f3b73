"""
Scripts about agents: their sessions and states, what is delivered to them, and
what reporting clients are told of it all.

As in `ixproxy.testing.scripts` no interaction and no agent is touched by two
clients in one round, but for what a round is about: an invitation and what
comes upon it. What changes agents has rounds of its own, so that it is
decided for every event of an interaction between which events of its agents
it comes. One agent has two connections, which come in through different
proxies where there are several, as do the two reporting clients; a third one
begins at the end, and must be told the state that the others have composed.
"""

from __future__ import annotations

from random import Random
from typing import Any

from ixproxy import messages as m
from ixproxy.messages.message import KeyValues, Reason, Request, Workbin
from ixproxy.testing.agent_steps import MEDIA, NAMES, AgentSteps
from ixproxy.testing.invitation_steps import MODES, Guess, InvitationSteps
from ixproxy.testing.steps import (
    LABEL,
    NO_TICKET,
    TENANT,
    Action,
    Ask,
    Lose,
    PullAll,
    Renew,
    Script,
    ScriptClient,
    Vanish,
    Wait,
)
from ixproxy.testing.workbin_steps import WorkbinSteps, custom_event
from ixproxy.values import ClientType

_DESK = ClientType.AGENT_APPLICATION
_REPORTING = ClientType.REPORTING_ENGINE
CLIENTS = (
    ScriptClient("mail-1", ClientType.MEDIA_SERVER, interested=True),
    ScriptClient("desk", _DESK, agent="anna"),
    ScriptClient("desk", _DESK, agent="bert"),
    ScriptClient("desk", _DESK, agent="carl"),
    ScriptClient("desk", _DESK, agent="anna"),
    ScriptClient("router-1", ClientType.ROUTING_ENGINE),
    ScriptClient("stat-1", _REPORTING),
    ScriptClient("stat-2", _REPORTING),
    ScriptClient("stat-3", _REPORTING),
)
MAIL, DESKTOPS, ROUTER, REPORTERS, LAST_REPORTER = 0, (*NAMES,), 5, (6, 7), 8
AGENTS = ("anna", "bert", "carl")
DRAFTS = tuple(Workbin(workbin_type_id="Drafts", workbin_agent_id=agent) for agent in AGENTS)
QUEUES = ("In", "Second", "Done")
VIEWS = ("In/All", "In/All", "In/Urgent", "Second/All", "Second/Chats")

DELIVERING = 2.5
"""Seconds that an invitation lasts: less than a round, with all that comes upon it."""

OPTIONS: dict[str, tuple[Any, ...]] = {
    "allow_multiple_agent_connections": ("true", "true", "false", "force-logout"),
    "not_ready_on_invitation_timeout": (False, True),
    "agent_session_restore_timeout": (60, 20),
    "delayed_logout_panic_threshold": (50, 2),
    "agent_seats": (None, None, None, 2),
}
"""Settings of the servers, and what a script may choose."""


def agent_script(seed: int, rounds: int = 26) -> Script:
    """The script of a seed."""
    random = Random(f"agents {seed}")
    options = {name: random.choice(values) for name, values in OPTIONS.items()}
    options["delivering_timeout"] = DELIVERING
    writer = _Writer(random, one_by_one=options["agent_seats"] is not None)
    written = [writer.round(number) for number in range(rounds)]
    last = (Ask(LAST_REPORTER, m.RequestStartPlaceAgentStateReportingAll()),)
    return Script(seed, CLIENTS, (*written, last), tuple(options.items()))


class _Writer:
    """
    Writes one script, with a rough idea of what its steps bring about.

    :param one_by_one: no two agents are changed in one round, for who comes
        first decides.
    """

    def __init__(self, random: Random, *, one_by_one: bool) -> None:
        self._one_by_one = one_by_one
        self._random = random
        self._guesses: list[Guess] = []
        self._step = 0
        self._agents = AgentSteps(random, self._reason, one_by_one=one_by_one)
        self._offers = InvitationSteps(random, self._reason, self._agents)
        self._workbins = WorkbinSteps(random, (*DESKTOPS, MAIL, ROUTER), DRAFTS, self._reason)

    def round(self, number: int) -> tuple[Action, ...]:
        """The steps of the next round."""
        random = self._random
        if number == 0:
            return (Ask(REPORTERS[0], m.RequestStartPlaceAgentStateReportingAll()),)
        if number == 1 and not self._one_by_one:
            return tuple(self._agents.login(client) for client in DESKTOPS[:3])
        if number < 4 and self._one_by_one:
            return (self._agents.login(DESKTOPS[number - 1]),)
        if number in (2, 4, 12) or not any(not guess.stopped for guess in self._guesses):
            return tuple(self._submit(MAIL) for _ in range(random.randrange(4, 9)))
        kinds = (
            (18, self._pull_all),
            (36, self._invitations),
            (20, self._agent_round),
            (22, self._together),
            (9, self._reporting),
            (4, self._alone),
            (3, self._read),
            (6, self._workbins.listening),
            (3, self._custom),
        )
        weights = [weight for weight, _ in kinds]
        [(_, write)] = random.choices(kinds, weights)
        return write() or (Wait(1.0),)

    def _reason(self) -> Reason:
        self._step += 1
        return Reason(reason_system_name="step", reason=self._step)

    def _alone(self) -> tuple[Action, ...]:
        """What many feel, or what takes long."""
        random = self._random
        match random.randrange(6):
            case 0 | 1:
                return (Lose(random.randrange(len(CLIENTS) - 1)),)
            case 2:
                client = random.randrange(len(CLIENTS) - 1)
                self._gone(client)
                return (Renew(client),)
            case 3:
                return (Wait(random.choice([1.3, 17.7, 71.1])),)
        clients = random.choice([(1,), (1, 2), (1, 2, 3), (2, 3, 4), (1, 4), (ROUTER,)])
        for client in clients:
            self._gone(client)
        return (Vanish(clients, random.choice([10.0, 25.0, 45.0, 101.0])),)

    def _gone(self, client: int) -> None:
        self._agents.gone(client)
        for guess in self._guesses:
            guess.holders.discard(client)

    def _agent_round(self) -> tuple[Action, ...]:
        """What changes agents, each by one of its connections."""
        random = self._random
        clients = [random.choice((1, 4)), 2, 3]
        some = random.sample(clients, 1 if self._one_by_one else random.randrange(1, 4))
        asks = [self._agents.ask(client) for client in some]
        for ask in asks:
            if isinstance(ask.request, m.RequestAgentLogout):
                for guess in self._guesses:
                    guess.holders.discard(ask.client)
        return tuple(asks)

    def _reporting(self) -> tuple[Action, ...]:
        """A reporting client begins, begins anew, narrows what it wants, or ends."""
        random = self._random
        client = random.choice(REPORTERS)
        everything = m.RequestStartPlaceAgentStateReportingAll()
        match random.randrange(6) if client != REPORTERS[0] else 5:
            case 0:
                return (Ask(client, m.RequestStopPlaceAgentStateReportingAll()),)
            case 1:
                some: KeyValues = {"MediaTypes": dict.fromkeys(random.sample(MEDIA, 2), "")}
                narrow = m.RequestStartPlaceAgentStateReportingAll(filter=some)
                return (Ask(client, narrow),)
            case 2:
                agents = random.sample(AGENTS, random.randrange(1, 3))
                one = m.RequestStartPlaceAgentStateReporting(tenant_id=TENANT, agents=agents)
                return (Ask(client, one),)
            case 3:
                named = {"first": random.choice([TENANT, str(TENANT), 99])}
                return (Ask(client, m.RequestStartPlaceAgentStateReportingAll(tenants=named)),)
        return (Ask(client, everything),)

    def _read(self) -> tuple[Action, ...]:
        if self._random.random() < 0.4:
            return (self._workbins.reading(),)
        condition = self._random.choice(["[Priority] > 4", "[InteractionState] = 3", "no such ("])
        find = m.RequestFindInteractions(tenant_id=TENANT, condition=condition)
        return (Ask(self._random.choice((MAIL, *DESKTOPS, ROUTER)), find),)

    def _custom(self) -> tuple[Action, ...]:
        """
        Clients have events of their own distributed: one about nothing, for which
        comes first is open where servers are several, the others about interactions.
        """
        random = self._random
        first, *others = random.sample(range(6), random.randrange(1, 4))
        steps: list[Action] = [custom_event(random, first, self._reason())]
        touched: set[str] = set()
        for client in others:
            guess = self._choose(client, touched)
            if guess is not None:
                touched.add(guess.label)
                label = LABEL + guess.label
                steps.append(custom_event(random, client, self._reason(), label))
        return tuple(steps)

    def _pull_all(self) -> tuple[Action, ...]:
        random = self._random
        client = random.choice([*DESKTOPS, ROUTER, ROUTER, ROUTER, ROUTER, ROUTER, ROUTER])
        view = random.choice(VIEWS)
        for guess in self._guesses:
            if guess.where == view.partition("/")[0]:
                guess.holders, guess.where = {client}, ""
        return (PullAll(client, view, random.randrange(1, 5), client == ROUTER),)

    def _together(self) -> tuple[Action, ...]:
        """Several clients work on interactions, no two on one."""
        random = self._random
        steps: list[Action] = []
        touched: set[str] = set()
        for client in random.sample(range(6), random.randrange(2, 6)):
            if client != ROUTER and random.random() < (0.6 if client == MAIL else 0.1):
                steps.append(self._submit(client))
                continue
            guess = self._choose(client, touched)
            if guess is not None:
                touched.add(guess.label)
                for _ in range(2 if random.random() < 0.2 else 1):
                    steps.append(Ask(client, self._request(client, guess), (guess.label,)))
        return tuple(steps)

    def _choose(self, client: int, touched: set[str]) -> Guess | None:
        """An interaction for a client: its own, if there is one."""
        random = self._random
        free = [each for each in self._guesses if each.label not in touched and not each.stopped]
        own = [guess for guess in free if client in guess.holders]
        if own and random.random() < 0.85:
            return random.choice(own)
        return random.choice(free) if free else None

    def _submit(self, client: int) -> Ask:
        random = self._random
        guess = Guess(f"L{len(self._guesses)}", where=random.choice(QUEUES[:2]))
        self._guesses.append(guess)
        media = random.choice(MEDIA)
        user_data: KeyValues = {"label": guess.label}
        if random.random() < 0.5:
            user_data["Priority"] = random.randrange(10)
        if random.random() < 0.1:
            user_data["handling-timeout"] = 1
        request = m.RequestSubmit(
            tenant_id=TENANT,
            media_type=media,
            queue=guess.where,
            interaction_type="Inbound",
            is_online=media == "chat",
            user_data=user_data,
            reason=self._reason(),
        )
        if client in DESKTOPS:
            guess.where, guess.holders = "", {client}
        return Ask(client, request, (guess.label,))

    def _request(self, client: int, guess: Guess) -> Request:
        """Anything that concerns an interaction, but no invitation."""
        random = self._random
        name: dict[str, Any] = {
            "tenant_id": TENANT,
            "interaction_id": LABEL + guess.label,
            "reason": self._reason(),
        }
        kinds = ["change", "change", "place", "stop", "hold", "resume", "get"]
        if client in DESKTOPS:
            kinds += ["leave", "leave", "pull", "pull", "pull", "workbin", "intrude", "intrude"]
            kinds += ["focus", "accept"]
        elif client == ROUTER:
            kinds += ["leave", "pull", "workbin"]
        kind = random.choice(kinds)
        if kind in ("place", "workbin", "stop"):
            guess.holders = set()
        match kind:
            case "change":
                priority = {"Priority": random.randrange(10)}
                return m.RequestChangeProperties(**name, changed_properties=priority)
            case "place":
                guess.where = random.choice(QUEUES)
                return m.RequestPlaceInQueue(**name, queue=guess.where)
            case "workbin":
                return m.RequestPlaceInWorkbin(**name, workbin=random.choice(DRAFTS))
            case "stop":
                guess.stopped = True
                return m.RequestStopProcessing(**name)
            case "hold":
                return m.RequestHold(**name)
            case "resume":
                return m.RequestResume(**name)
            case "leave":
                guess.holders.discard(client)
                return m.RequestLeaveInteraction(**name)
            case "focus":
                return m.RequestSetInFocus(**name, in_focus=random.random() < 0.5)
            case "accept":
                return m.RequestAccept(**name, ticket_id=random.choice([0, NO_TICKET]))
            case "intrude":
                guess.holders.add(client)
                return m.RequestIntrude(**name, visibility_mode=random.choice([*MODES, "Loud"]))
            case "pull":
                guess.holders.add(client)
                return m.RequestPull(
                    tenant_id=TENANT,
                    view_id="_system_",
                    pull_parameters={LABEL + guess.label: ""},
                    reason=self._reason(),
                )
        return m.RequestGetInteractionProperties(**name)

    def _invitations(self) -> tuple[Action, ...]:
        """Some interactions are offered to agents, and these answer, or do not."""
        random = self._random
        steps: list[Action] = []
        touched: set[str] = set()
        agents = list(AGENTS)
        for client in random.sample((ROUTER, ROUTER, ROUTER, *DESKTOPS), 7):
            target = random.choice([*agents, *agents, *agents, "zoe"])
            own = [
                guess
                for guess in self._guesses
                if client in guess.holders and guess.label not in touched and not guess.stopped
            ]
            if not own and random.random() < 0.9:
                continue
            guess = random.choice(own) if own else self._choose(client, touched)
            mine = CLIENTS[client].agent
            if guess is None or (mine and mine not in agents) or target not in [*agents, "zoe"]:
                continue
            touched.add(guess.label)
            for agent in {mine, target} & set(agents):
                agents.remove(agent)
            steps += self._offers.invitation(client, guess, target)
            if not agents:
                break
        return tuple(steps)
