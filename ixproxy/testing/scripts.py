"""
Scripts: what some clients ask, step by step, the same for any servers.

A script names interactions by labels, never by ids. Steps of one round are
sent together and awaited together; no label and no agent is touched by two
clients in one round, and what reads many interactions stands alone. So the
answers do not depend on how many servers there are. Each request says by its
reason which step it is, and so do the events that it brings about. Everything
comes from the seed that made the script.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from ixproxy import messages as m
from ixproxy.messages.message import Reason, Request, Workbin
from ixproxy.testing.steps import (
    LABEL,
    TENANT,
    Action,
    Ask,
    Lose,
    PullAll,
    Renew,
    Script,
    ScriptClient,
    Wait,
)
from ixproxy.testing.workbin_steps import WorkbinSteps
from ixproxy.values import ClientType

CLIENTS = (
    ScriptClient("mail-1", ClientType.MEDIA_SERVER, interested=True),
    ScriptClient("chat-1", ClientType.MEDIA_SERVER),
    ScriptClient("desktop-1", ClientType.AGENT_APPLICATION, agent="anna"),
    ScriptClient("desktop-2", ClientType.AGENT_APPLICATION, agent="bert"),
    ScriptClient("router-1", ClientType.ROUTING_ENGINE),
    ScriptClient("mail-1", ClientType.MEDIA_SERVER, interested=True),
)
MEDIA_SERVERS, DESKTOPS, ROUTER = (0, 1, 5), (2, 3), 4
QUEUES = ("In", "Second", "Done")
VIEWS = ("In/All", "In/Urgent", "Second/All", "Second/Chats", "Done/All")
MEDIA = ("email", "chat", "task")
WORKBINS = (
    Workbin(workbin_type_id="Drafts", workbin_agent_id="a"),
    Workbin(workbin_type_id="Drafts", workbin_agent_id="b"),
    Workbin(workbin_type_id="Team", workbin_group_id="loans"),
)


@dataclass
class _Guess:
    """Where an interaction probably is; a wrong guess only makes a refusal."""

    label: str
    media: str
    where: str = ""
    holder: int | None = None
    stopped: bool = False
    keys: list[str] = field(default_factory=list)


def random_script(seed: int, rounds: int = 16) -> Script:
    """The script of a seed."""
    writer = Writer(Random(seed))
    return Script(seed, CLIENTS, tuple(writer.round(number) for number in range(rounds)))


class Writer:
    """Writes one script, with a rough idea of what its steps bring about."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._guesses: list[_Guess] = []
        self._logged_in: dict[int, set[str]] = {}
        self._receipts: list[Ask] = []
        self._step = 0
        everybody = range(len(CLIENTS))
        self._workbins = WorkbinSteps(random, everybody, WORKBINS, self._reason)

    def round(self, number: int) -> tuple[Action, ...]:
        """The steps of the next round."""
        if number == 0:
            return tuple(self._login(client) for client in DESKTOPS)
        if number == 1 and self._random.random() < 0.85:
            return self._workbins.listening()
        alone = self._random.random()
        if alone < 0.3:
            return (self._pull_all(),)
        if alone < 0.4:
            return (self._read(),)
        if alone < 0.44:
            return (Lose(self._random.randrange(len(CLIENTS))),)
        if alone < 0.46:
            return (Renew(self._random.randrange(len(CLIENTS))),)
        if alone < 0.49:
            return (Wait(self._random.choice([1.3, 17.7, 71.1])),)
        if alone < 0.55:
            return self._workbins.listening()
        if alone < 0.58:
            return (self._workbins.reading(),)
        if alone < 0.68:
            return tuple(self._agent_request(client) for client in DESKTOPS)
        return self._together()

    def _together(self) -> tuple[Action, ...]:
        """Steps of several clients at once, no two clients on one label."""
        random = self._random
        order = random.sample(range(len(CLIENTS)), random.randrange(1, len(CLIENTS) + 1))
        touched: set[str] = set()
        steps: list[Action] = []
        for client in order:
            desktop = client in DESKTOPS
            mine: set[str] = set()
            for _ in range(random.randrange(1, 4)):
                submits = client != ROUTER and random.random() < (0.2 if desktop else 0.5)
                if submits and self._receipts and random.random() < 0.1:
                    steps.append(self._submit_again())
                elif submits:
                    steps.append(self._submit(client, mine))
                elif client not in MEDIA_SERVERS and random.random() < 0.15:
                    steps += self._pull_some(client, touched, mine)
                elif (guess := self._choose(client, touched)) is not None:
                    mine.add(guess.label)
                    steps += self._act(client, guess)
            touched |= mine
        return tuple(steps) or (Wait(1.0),)

    def _reason(self) -> Reason:
        self._step += 1
        return Reason(reason_system_name="step", reason=self._step)

    def _choose(self, client: int, touched: set[str]) -> _Guess | None:
        random = self._random
        free = [guess for guess in self._guesses if guess.label not in touched]
        own = [guess for guess in free if guess.holder == client and not guess.stopped]
        if own and random.random() < 0.8:
            return random.choice(own)
        return random.choice(free) if free else None

    def _pull_some(self, client: int, touched: set[str], mine: set[str]) -> list[Action]:
        """A pull by several ids; whatever else is asked about them must be awaited."""
        free = [guess for guess in self._guesses if guess.label not in touched | mine]
        some = self._random.sample(free, min(len(free), self._random.randrange(2, 6)))
        if not some:
            return []
        for guess in some:
            guess.holder = client
        labels = tuple(guess.label for guess in some)
        touched.update(labels)
        return [Ask(client, _pull_by_ids(labels, self._reason()), labels)]

    def _submit(self, client: int, mine: set[str]) -> Ask:
        random = self._random
        label = f"L{len(self._guesses)}"
        guess = _Guess(label, random.choice(MEDIA), where=random.choice(QUEUES[:2]))
        mine.add(label)
        receipt = ""
        if client not in DESKTOPS and random.random() < 0.2:
            receipt = f"R{label}"
        if client in DESKTOPS:
            guess.holder, guess.where = client, ""
        user_data: dict[str, object] = {"label": label, "n": random.randrange(100)}
        if random.random() < 0.5:
            user_data["Priority"] = random.randrange(10)
        if random.random() < 0.3:
            user_data["Product"] = random.choice(["loan", "card", "mortgage"])
        if random.random() < 0.15:
            user_data["handling-timeout"] = 1
        if random.random() < 0.2:
            user_data["deep"] = {"list": {"x": 1, "y": "zwei"}, "raw": b"\x00\xff"}
        self._guesses.append(guess)
        queue = guess.where or random.choice(QUEUES)
        workbin = None
        if random.random() < 0.25:
            queue, workbin, guess.where = "", self._workbin(), ""
        if random.random() < 0.05:
            queue, workbin = "NoSuchQueue", None
        request = m.RequestSubmit(
            tenant_id=TENANT,
            media_type=guess.media,
            interaction_id=f"own-{label}" if random.random() < 0.3 else "",
            queue=queue,
            workbin=workbin,
            interaction_type="Inbound",
            interaction_subtype=random.choice(["", "InboundNew"]),
            is_online=guess.media == "chat",
            user_data=user_data,
            submit_receipt=receipt,
            reason=self._reason(),
        )
        asked = Ask(client, request, (label,))
        if receipt:
            self._receipts.append(asked)
        return asked

    def _submit_again(self) -> Ask:
        """A submitter that is not sure whether it has submitted."""
        return self._random.choice(self._receipts)

    def _workbin(self) -> Workbin:
        drafts = self._random.random() < 0.7
        return self._random.choice(WORKBINS[:2]) if drafts else WORKBINS[2]

    def _act(self, client: int, guess: _Guess) -> list[Action]:
        """One or two requests about one interaction, by one client."""
        random = self._random
        times = 2 if random.random() < 0.2 else 1
        return [Ask(client, self._request(client, guess), (guess.label,)) for _ in range(times)]

    def _request(self, client: int, guess: _Guess) -> Request:
        random, reason = self._random, self._reason()
        name = {"tenant_id": TENANT, "interaction_id": LABEL + guess.label, "reason": reason}
        kinds = ["change"] * 3 + ["place", "workbin", "workbin", "stop", "hold", "resume", "get"]
        if client in DESKTOPS:
            kinds += ["leave", "pull", "pull", "focus"]
        if client == ROUTER:
            kinds += ["leave", "place", "pull"]
        match random.choice(kinds):
            case "change":
                return m.RequestChangeProperties(**name, **self._changes(guess))  # type: ignore[arg-type]
            case "place":
                guess.where, guess.holder = random.choice(QUEUES), None
                more = self._changes(guess) if random.random() < 0.3 else {}
                return m.RequestPlaceInQueue(**name, queue=guess.where, **more)  # type: ignore[arg-type]
            case "workbin":
                guess.where, guess.holder = "", None
                return m.RequestPlaceInWorkbin(**name, workbin=self._workbin())  # type: ignore[arg-type]
            case "stop":
                guess.stopped = True
                return m.RequestStopProcessing(**name)  # type: ignore[arg-type]
            case "hold":
                return m.RequestHold(**name)  # type: ignore[arg-type]
            case "resume":
                return m.RequestResume(**name)  # type: ignore[arg-type]
            case "leave":
                guess.holder = None
                return m.RequestLeaveInteraction(**name)  # type: ignore[arg-type]
            case "focus":
                return m.RequestSetInFocus(**name, in_focus=random.random() < 0.5)  # type: ignore[arg-type]
            case "pull":
                guess.holder = client
                return _pull_by_ids((guess.label,), reason)
        return m.RequestGetInteractionProperties(**name)  # type: ignore[arg-type]

    def _changes(self, guess: _Guess) -> dict[str, dict[str, object]]:
        random = self._random
        changes: dict[str, dict[str, object]] = {}
        if random.random() < 0.7:
            key = f"k{random.randrange(4)}"
            guess.keys.append(key)
            changes["added_properties"] = {key: random.randrange(1000)}
        if random.random() < 0.4:
            changes["changed_properties"] = {"Priority": random.randrange(10)}
        if guess.keys and random.random() < 0.3:
            changes["deleted_properties"] = {random.choice(guess.keys): ""}
        if random.random() < 0.2:
            changes["changed_properties"] = {"SubmittedBy": "somebody else"}
        return changes

    def _pull_all(self) -> PullAll:
        random = self._random
        client = random.choice([*DESKTOPS, ROUTER, ROUTER])
        view = random.choice(VIEWS)
        for guess in self._guesses:
            if guess.where == view.partition("/")[0] and guess.holder is None:
                guess.holder, guess.where = client, ""
        return PullAll(client, view, random.randrange(1, 5), client == ROUTER)

    def _read(self) -> Ask:
        random = self._random
        client = random.randrange(len(CLIENTS))
        match random.randrange(6):
            case 0:
                return Ask(client, m.RequestWorkbinTypesInfo(tenant_id=TENANT))
            case 1 | 2:
                content = m.RequestGetWorkbinContent(tenant_id=TENANT, workbin=self._workbin())
                return Ask(client, content)
            case 3:
                found = m.RequestFindInteractions(
                    tenant_id=TENANT, condition="[Priority] > 4", order="Priority DESC"
                )
                return Ask(client, found)
            case 4:
                found = m.RequestFindInteractions(
                    tenant_id=TENANT, media_type=random.choice(MEDIA), condition="Product = 'loan'"
                )
                return Ask(client, found)
        return Ask(client, m.RequestFindInteractions(tenant_id=TENANT, condition="no such ("))

    def _login(self, client: int) -> Ask:
        some = self._random.sample(MEDIA, self._random.randrange(4))
        media = {name: self._random.randrange(2) for name in some}
        self._logged_in[client] = set(media)
        agent = CLIENTS[client].agent
        request = m.RequestAgentLogin(
            tenant_id=TENANT,
            agent_id=agent,
            place_id=f"place-{agent}",
            media_list=media,
            reason=self._reason(),
        )
        return Ask(client, request)

    def _agent_request(self, client: int) -> Ask:
        random = self._random
        agent = CLIENTS[client].agent
        who = {"tenant_id": TENANT, "agent_id": agent, "reason": self._reason()}
        media = {"media_type_name": random.choice(MEDIA)}
        kind = random.randrange(8)
        if kind == 0:
            self._logged_in.pop(client, None)
            for guess in self._guesses:
                if guess.holder == client:
                    guess.holder = None
            return Ask(client, m.RequestAgentLogout(**who))  # type: ignore[arg-type]
        if kind in (1, 2) or client not in self._logged_in:
            return self._login(client)
        if kind == 3:
            return Ask(client, m.RequestAddMedia(**who, **media))  # type: ignore[arg-type]
        if kind == 4:
            return Ask(client, m.RequestRemoveMedia(**who, **media))  # type: ignore[arg-type]
        if kind == 5:
            return Ask(client, m.RequestNotReadyForMedia(**who, **media))  # type: ignore[arg-type]
        return Ask(client, m.RequestCancelNotReadyForMedia(**who, **media))  # type: ignore[arg-type]


def _pull_by_ids(labels: tuple[str, ...], reason: Reason) -> m.RequestPull:
    return m.RequestPull(
        tenant_id=TENANT,
        view_id="_system_",
        pull_parameters={LABEL + label: "" for label in labels},
        reason=reason,
    )
