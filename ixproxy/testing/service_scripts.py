"""
Scripts about external servers: calls that name interactions, and such that name none.

As in `ixproxy.testing.scripts` no interaction is touched by two clients in one round.
Of calls that name no interaction there is one in a round at most, for different
nodes may make them, and which event comes first is open then. Two reporting clients
hear of the calls, by way of different proxies where there are several.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from ixproxy import messages as m
from ixproxy.messages.message import KeyValues, Reason
from ixproxy.testing.memory_services import TYPE
from ixproxy.testing.steps import LABEL, TENANT, Action, Ask, Lose, Script, ScriptClient, Wait
from ixproxy.values import ClientType

CLIENTS = (
    ScriptClient("mail-1", ClientType.MEDIA_SERVER),
    ScriptClient("router-1", ClientType.ROUTING_ENGINE),
    ScriptClient("router-2", ClientType.ROUTING_ENGINE),
    ScriptClient("stat-1", ClientType.REPORTING_ENGINE),
    ScriptClient("stat-2", ClientType.REPORTING_ENGINE),
)
MAIL, ROUTERS, REPORTERS = 0, (1, 2), (3, 4)
MEDIA = ("email", "chat")

WHOM: tuple[tuple[str, KeyValues], ...] = (
    ("by name", {"AppName": "archive"}),
    ("by name", {"AppName": "classifier-1"}),
    ("by type", {"AppType": TYPE}),
    ("by type", {"AppType": "ClassificationServer"}),
    ("unknown", {"AppName": "nobody"}),
    ("unknown", {"AppType": "T-Server"}),
    ("nobody", {"Service": "Test"}),
    ("wrong", {"AppName": 7}),
)
METHODS = ("Echo", "Echo", "Echo", "Echo", "Fault", "Never")


def service_script(seed: int, rounds: int = 16) -> Script:
    """The script of a seed."""
    random = Random(f"services {seed}")
    hidden = random.random() < 0.2
    writer = _Writer(random)
    written = [writer.round(number) for number in range(rounds)]
    options = (("hide_strategy_esp_activity", hidden),)
    return Script(seed, CLIENTS, tuple(written), options, services=True)


@dataclass
class _Label:
    """An interaction."""

    name: str
    media: str
    stopped: bool = False


class _Writer:
    def __init__(self, random: Random) -> None:
        self._random = random
        self._labels: list[_Label] = []
        self._step = 0

    def round(self, number: int) -> tuple[Action, ...]:
        """The steps of the next round."""
        random = self._random
        if number < len(REPORTERS):
            servers = [] if random.random() < 0.5 else ["archive", "classifier-1", "classifier-2"]
            wanted = m.RequestStartExternalServiceReporting(servers=servers)
            return (Ask(REPORTERS[number], wanted),)
        if number in (2, 8):
            return tuple(self._submit() for _ in range(random.randrange(3, 6)))
        kind = random.random()
        if kind < 0.08:
            return (Lose(random.randrange(len(CLIENTS))),)
        if kind < 0.16:
            return (self._reporting(),)
        if kind < 0.22:
            return (Wait(random.choice([1.3, 17.7])),)
        if kind < 0.5:
            return (self._call(random.choice((MAIL, *ROUTERS)), None),)
        if kind < 0.58:
            return (self._stop(),)
        chosen = random.sample(self._labels, min(len(self._labels), random.randrange(1, 4)))
        return tuple(self._call(random.choice((MAIL, *ROUTERS)), label) for label in chosen)

    def _reason(self) -> Reason:
        self._step += 1
        return Reason(reason_system_name="step", reason=self._step)

    def _submit(self) -> Ask:
        label = _Label(f"L{len(self._labels)}", self._random.choice(MEDIA))
        self._labels.append(label)
        request = m.RequestSubmit(
            tenant_id=TENANT,
            media_type=label.media,
            queue="In",
            user_data={"label": label.name},
            reason=self._reason(),
        )
        return Ask(MAIL, request, (label.name,))

    def _stop(self) -> Ask:
        label = self._random.choice(self._labels)
        label.stopped = True
        request = m.RequestStopProcessing(
            tenant_id=TENANT, interaction_id=f"{LABEL}{label.name}", reason=self._reason()
        )
        return Ask(MAIL, request, (label.name,))

    def _reporting(self) -> Ask:
        random = self._random
        servers = random.choice([[], ["archive"], ["classifier-2", "nobody"]])
        kind: Any = random.choice(
            (m.RequestStartExternalServiceReporting, m.RequestStopExternalServiceReporting)
        )
        return Ask(random.choice(REPORTERS), kind(servers=servers))

    def _call(self, client: int, label: _Label | None) -> Ask:
        random = self._random
        if label is not None and random.random() < 0.25:
            return self._find(client, label)
        _, whom = random.choice(WHOM)
        parameters = {"text": random.choice(["one", "zwei"]), "number": random.randrange(9)}
        envelope = {
            "Service": "Test",
            "Version": "1.0",
            **whom,
            "Method": random.choice(METHODS),
            "Parameters": parameters,
        }
        media = random.choice(["", "email"])
        return self._ask(client, label, envelope, media)

    def _find(self, client: int, label: _Label) -> Ask:
        """The node's own service, where one node has all that can be found."""
        random = self._random
        parameters: KeyValues = random.choice(
            [
                {"Condition": f"label = '{label.name}'"},
                {"Condition": f"label = '{label.name}'", "Limit": "5", "Order": "ReceivedAt"},
                {"Condition": "no ( condition"},
                {"Condition": 7},
                {"InteractionId": ""},
                {"Other": "x"},
                {"Condition": f"label = '{label.name}'", "TenantId": 99},
            ]
        )
        envelope = {
            "AppType": "InteractionServer",
            "Method": random.choice(["FindInteractions", "FindInteractions", "Destroy"]),
            "Parameters": parameters,
        }
        return self._ask(client, label, envelope, "")

    def _ask(self, client: int, label: _Label | None, envelope: KeyValues, media: str) -> Ask:
        reason = self._reason()
        request = m.Request3rdServer(
            tenant_id=TENANT,
            media_type=media,
            interaction_id=f"{LABEL}{label.name}" if label is not None else "",
            envelope3rd_server=envelope,
            user_data={"step": reason.reason},
            # A proxy has numbers of its own: by this one the caller knows its call anywhere.
            extension={"EspClientRefid": reason.reason},
            reason=reason,
        )
        return Ask(client, request, (label.name,) if label is not None else ())
