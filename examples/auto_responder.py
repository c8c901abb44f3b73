"""
An external server (ESP) that acknowledges what came in, as the field's E-mail Server does.

    python examples/auto_responder.py cluster.toml responder --queue Outbound

Nodes connect to it, for it stands among their `connections` in the deployment file. Called
with Service `AutoResponder` and Method `Acknowledge`, it submits an acknowledgement as a
media server, whose parent is the interaction that the call is about, and answers with
its id, `NewInteractionId`. Method `Count` says how many there were, and who is connected.
In the file it is an application of type "Third Party Server" with an `endpoint` of its
own and, to submit through, `connections` to a cluster of proxies.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from ixproxy.client import Client, connect
from ixproxy.client.third_party_server import Call, Fault, Result, ThirdPartyServer, serve
from ixproxy.config import ServerApplication, client_view, load
from ixproxy.errors import ConfigError, IxproxyError, RequestRefused
from ixproxy.messages import RequestSubmit

SERVICE = "AutoResponder"


class AutoResponder:
    """Answers calls; `client` is the media server that acknowledgements are submitted as."""

    def __init__(self, client: Client, queue: str) -> None:
        self._client = client
        self._queue = queue
        self.server: ThirdPartyServer | None = None
        self.acknowledged = 0

    async def answer(self, call: Call) -> Result:
        """One call."""
        if call.service != SERVICE:
            raise Fault("UnknownService", f"there is {SERVICE}, and no {call.service!r}")
        match call.method:
            case "Acknowledge":
                return await self._acknowledge(call)
            case "Count":
                callers = self.server.connected if self.server is not None else []
                return Result({"Acknowledged": self.acknowledged, "Callers": ",".join(callers)})
        raise Fault("UnknownMethod", f"there is no {call.method!r}")

    async def _acknowledge(self, call: Call) -> Result:
        if not call.interaction_id:
            raise Fault("MissingInteractionId", "an acknowledgement is about an interaction")
        subject = call.user_data.get("Subject", "your message")
        user_data = {"Subject": f"Re: {subject}", "Text": call.parameters.get("Text", "Thank you")}
        if "ExternalId" in call.user_data:
            user_data["ExternalId"] = call.user_data["ExternalId"]
        try:
            ack = await self._client.request(
                RequestSubmit(
                    tenant_id=call.tenant_id,
                    media_type=call.media_type or "email",
                    queue=self._queue,
                    interaction_type="Outbound",
                    interaction_subtype="OutboundAcknowledgement",
                    parent_interaction_id=call.interaction_id,
                    user_data=user_data,
                )
            )
        except RequestRefused as refusal:
            raise Fault(str(int(refusal.code)), refusal.description) from refusal
        self.acknowledged += 1
        return Result({"NewInteractionId": ack.interaction_id}, {"Acknowledged": "1"})


async def respond(reactor: Any, args: argparse.Namespace) -> None:
    """Connect to submit, then listen for calls, until interrupted."""
    deployment = load(args.file)
    view = client_view(deployment, args.application)
    known = deployment.applications[args.application]
    if not isinstance(known, ServerApplication) or not known.endpoint:
        raise ConfigError(f"{args.application} is no external server with an endpoint")
    port = known.endpoint.rpartition(":")[2]
    client = await connect(
        reactor, view.place, name=args.application, client_type="MediaServer", tenants=view.tenants
    )
    responder = AutoResponder(client, args.queue)
    responder.server = await serve(
        reactor, f"tcp:{port}", name=args.application, answer=responder.answer, tls=known.tls
    )
    print(f"{args.application} listens on port {port}", flush=True)
    reactor.addSystemEventTrigger("before", "shutdown", responder.server.stop)
    reactor.addSystemEventTrigger("before", "shutdown", client.close)
    await Deferred()


async def running(reactor: Any, args: argparse.Namespace) -> None:
    """Run; what cannot be used, reached or had is said in a line."""
    try:
        await respond(reactor, args)
    except (IxproxyError, ConfigError, ValueError, OSError) as problem:
        raise SystemExit(f"{Path(__file__).name}: {problem}") from None


def main() -> None:
    """Run it until it is interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="a deployment file")
    parser.add_argument("application", help="what it is called there")
    parser.add_argument("--queue", default="Outbound", help="for acknowledgements (%(default)s)")
    args = parser.parse_args()
    react(lambda reactor: Deferred.fromCoroutine(running(reactor, args)))


if __name__ == "__main__":
    main()
