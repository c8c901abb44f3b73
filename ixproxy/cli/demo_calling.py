"""
The demo's external server: a program of its own, which the nodes call for strategies.

Theory of operation: `examples/auto_responder.py` runs as a process; all nodes connect to
it. For some e-mails a strategy has it acknowledge them before it delivers them: the
server submits an interaction of its own, and answers with its id, which the strategies
find in the queue for difficult ones. At the end the server is asked how many calls it
answered, and that must be as many as were made.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from zlib import crc32

from twisted.internet.task import deferLater

import ixproxy
from ixproxy import messages as m
from ixproxy.cli.connecting import Asking
from ixproxy.cli.demo_clients import Clients
from ixproxy.cli.demo_deployment import NODES, RESPONDER, TENANT_ID
from ixproxy.errors import NodeUnavailable, RequestRefused
from ixproxy.messages.message import KeyValues

PROGRAM = Path(ixproxy.__file__).parent.parent / "examples" / "auto_responder.py"
"""It comes with the source, and not with what is installed from it."""
PER_CENT = 25
"""So many of the e-mails are acknowledged."""
LOOK = 0.1
"""Seconds between two looks whether all nodes are connected to it."""


def is_acknowledged(identifier: str, properties: KeyValues) -> bool:
    """Whether an interaction gets an acknowledgement: the same in every run with the same id."""
    drawn = crc32(b"acknowledge " + identifier.encode()) % 100
    incoming = properties.get("InteractionType") != "Outbound"
    return properties.get("MediaType") == "email" and incoming and drawn < PER_CENT


def call(method: str, **more: Any) -> m.Request3rdServer:
    """A call to the demo's external server."""
    envelope = {"AppName": RESPONDER, "Service": "AutoResponder", "Method": method}
    return m.Request3rdServer(tenant_id=TENANT_ID, envelope3rd_server=envelope, **more)


def output_of(answer: object) -> KeyValues:
    """What a call brought back; nothing, if it brought a fault."""
    if not isinstance(answer, m.Event3rdServerResponse):
        return {}
    parameters = answer.envelope3rd_server.get("Parameters")
    return parameters if isinstance(parameters, dict) else {}


class Calls:
    """
    The calls of all strategies.

    :ivar made: how many were made; `new`: the interactions that they brought.
    :ivar answered: how many the server says that it answered; None: it was not asked.
    """

    def __init__(self) -> None:
        self.made = 0
        self.new: set[str] = set()
        self.answered: int | None = None

    @property
    def agree(self) -> bool:
        """Whether every call brought an interaction, and the server knows of just these."""
        return self.made == len(self.new) == (self.answered or 0)

    async def acknowledge(
        self, clients: Clients, client: Asking, identifier: str, properties: KeyValues
    ) -> None:
        """Have an interaction acknowledged; what goes wrong is counted."""
        self.made += 1
        user_data = properties.get("UserData")
        request = call(
            "Acknowledge",
            media_type="email",
            interaction_id=identifier,
            user_data=user_data if isinstance(user_data, dict) else {},
        )
        answer = await clients.tried(client, request, "Call an external server")
        if isinstance(answer, m.Event3rdServerFault):
            text = f"fault {answer.fault_code}: {answer.fault_string}"
            clients.measured.failed(request, RequestRefused(0, text))
        if identifier := output_of(answer).get("NewInteractionId", ""):
            self.new.add(identifier)

    async def count(self, clients: Clients, client: Asking) -> None:
        """Ask the server how many it answered."""
        count = output_of(await clients.tried(client, call("Count"))).get("Acknowledged")
        self.answered = count if isinstance(count, int) else None


async def all_connected(
    reactor: Any, client: Asking, seconds: float, check: Callable[[], None]
) -> None:
    """
    Wait until every node is connected to the external server.

    :param check: raises what is wrong with the processes meanwhile.
    :raise NodeUnavailable: some are not in so many seconds.
    """
    until = reactor.seconds() + seconds
    there: set[str] = set()
    while there < set(NODES):
        check()
        if reactor.seconds() > until:
            missing = ", ".join(sorted(set(NODES) - there))
            raise NodeUnavailable(f"{RESPONDER} is not connected to {missing}")
        try:
            answer = await client.request(call("Count"))
        except RequestRefused:
            await deferLater(reactor, LOOK)
            continue
        there = set(str(output_of(answer).get("Callers", "")).split(","))
        if there < set(NODES):
            await deferLater(reactor, LOOK)
