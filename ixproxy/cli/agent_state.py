"""`ixctl agent-state`: logs an agent in and out, and changes its media and states."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from ixproxy import messages as m
from ixproxy.cli.connecting import add_options, connected
from ixproxy.cli.event_text import event_line, event_record
from ixproxy.cli.key_values import Pair, pair
from ixproxy.cli.outcomes import Exit, UsageError
from ixproxy.cli.output import Output
from ixproxy.messages.message import Request
from ixproxy.values import ClientType

FOR_AGENT: dict[str, Callable[..., Request]] = {
    "logout": m.RequestAgentLogout,
    "busy": m.RequestDoNotDisturbOn,
    "not-busy": m.RequestDoNotDisturbOff,
}
FOR_MEDIA: dict[str, Callable[..., Request]] = {
    "add": m.RequestAddMedia,
    "remove": m.RequestRemoveMedia,
    "ready": m.RequestCancelNotReadyForMedia,
    "not-ready": m.RequestNotReadyForMedia,
}
ACTIONS = ("login", *FOR_AGENT, *FOR_MEDIA)


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: ArgumentParser = subparsers.add_parser(
        "agent-state",
        help="log an agent in and out, and change its states",
        description="An agent is logged in for as long as its client is connected: --session "
        "carries it from command to command, and --stay keeps this one connected and prints "
        "the agent's events until it is interrupted.",
    )
    parser.add_argument("action", choices=ACTIONS)
    parser.add_argument("agent", metavar="AGENT")
    parser.add_argument(
        "media", metavar="MEDIA", nargs="*", help="media types; with login also MEDIA=0 (not ready)"
    )
    parser.add_argument("--place", default="", help="where the agent sits")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, for reporting")
    parser.add_argument("--stay", action="store_true", help="stay connected and print events")
    add_options(parser, ClientType.AGENT_APPLICATION, choice=False)
    parser.set_defaults(command=command)


def requests_of(args: Namespace, tenant_id: int) -> list[Request]:
    """
    The requests that the arguments say.

    :raise UsageError: they make no sense together.
    """
    whose: dict[str, Any] = {"tenant_id": tenant_id, "agent_id": args.agent, "place_id": args.place}
    if args.reason:
        whose["reason"] = m.Reason(reason_description=args.reason)
    if args.action == "login":
        if not (args.session or args.stay):
            raise UsageError("login needs --session or --stay: a goodbye logs the agent out")
        return [m.RequestAgentLogin(media_list=dict(map(_media, args.media)), **whose)]
    if args.action in FOR_AGENT:
        if args.media:
            raise UsageError(f"{args.action} takes no media types")
        return [FOR_AGENT[args.action](**whose)]
    if not args.media:
        raise UsageError(f"{args.action} needs at least one media type")
    return [FOR_MEDIA[args.action](media_type_name=name, **whose) for name in args.media]


def _media(text: str) -> tuple[str, int]:
    """`email` or `email=1`: ready; `email=0`: not ready."""
    given = pair(text) if "=" in text else Pair(text, "1")
    if given.value not in ("0", "1"):
        raise UsageError(f"expected MEDIA, MEDIA=1 or MEDIA=0, not {text!r}")
    return given.key, int(given.value)


async def command(reactor: Any, args: Namespace, output: Output) -> int:
    """Ask, say so, and stay if wanted."""
    requests_of(args, 0)
    async with connected(reactor, args) as connection:
        if args.stay:
            connection.client.on_event(
                lambda event: output.record(event_record(event), event_line(event))
            )
        for request in requests_of(args, connection.tenant_id):
            answer = await connection.client.request(request)
            assert isinstance(answer, m.EventAck)
            record: dict[str, object] = {"agent": args.agent, "done": args.action}
            if answer.agent_session:
                record["agent_session"] = list(answer.agent_session)
            output.record(record, f"{args.agent}: {args.action}")
        if args.stay:
            await Deferred()
    return Exit.OK
