"""
`ixctl snapshot`: what meets a condition, held still: shown, locked, moved or stopped as a whole.

Theory of operation: a snapshot belongs to a client session and ends with it. So
`take` alone shows what it has found, does with it what `--then` says, and by its
goodbye it is released. With `--session FILE` the session goes on, and further
commands with the same file name the snapshot by its number.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from typing import Any

from ixproxy.cli.connecting import Connected, add_options, connected
from ixproxy.cli.key_values import whole_number
from ixproxy.cli.outcomes import Exit, UsageError, error_record, exit_code
from ixproxy.cli.output import Output
from ixproxy.cli.snapshot_pages import show_pages
from ixproxy.errors import RequestRefused, describe
from ixproxy.messages import (
    EventInteractionMoved,
    EventSnapshotTaken,
    Reason,
    RequestLockInteraction,
    RequestMoveInteractions,
    RequestReleaseSnapshot,
    RequestStopInteractions,
    RequestTakeSnapshot,
    RequestUnlockInteraction,
)
from ixproxy.values import ClientType

ARGUMENTS = {
    "take": (0, 1, "[CONDITION]"),
    "show": (1, 1, "NUMBER"),
    "lock": (2, None, "NUMBER ID ..."),
    "unlock": (2, None, "NUMBER ID ..."),
    "move": (2, 2, "NUMBER QUEUE"),
    "stop": (1, 1, "NUMBER"),
    "release": (1, 1, "NUMBER"),
}
"""What is to be done: how many arguments it has at least and at most, and which."""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: ArgumentParser = subparsers.add_parser(
        "snapshot",
        help="hold still what meets a condition: show, lock, move or stop it",
        description="Takes a snapshot of the interactions that meet a condition in the dialect "
        "of views, shows it, and moves or stops what is in it if --then says so. With "
        "--session the snapshot stays, and is named by its number: "
        + "; ".join(f"{what} {arguments}" for what, (_, _, arguments) in ARGUMENTS.items())
        + ".",
    )
    parser.add_argument("what", choices=tuple(ARGUMENTS), metavar="WHAT", help=", ".join(ARGUMENTS))
    parser.add_argument("arguments", nargs="*", metavar="ARGUMENT")
    parser.add_argument("--order", default="", help='such as "Priority DESC, ReceivedAt"')
    parser.add_argument("--lock", action="store_true", help="keep the members from being pulled")
    parser.add_argument(
        "--check-state", action="store_true", help="take only what can be pulled at this moment"
    )
    parser.add_argument("--limit", type=whole_number, default=0, help="at most so many of a node")
    parser.add_argument(
        "--then", choices=("move", "stop"), help="what becomes of the members: see --queue"
    )
    parser.add_argument("--queue", default="", help="for --then move")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, for reporting")
    parser.add_argument(
        "--start", type=position, default=0, metavar="POSITION", help="show from here on, from 0"
    )
    parser.add_argument(
        "-n", "--number", type=whole_number, default=0, help="show so many (all the rest)"
    )
    parser.add_argument(
        "--page", type=whole_number, default=500, help="ask for so many at a time (%(default)s)"
    )
    parser.add_argument("--quiet", action="store_true", help="with take: do not show the members")
    add_options(parser, ClientType.AGENT_APPLICATION)
    parser.set_defaults(command=command)


def position(text: str) -> int:
    """
    A position in a snapshot.

    :raise ArgumentTypeError: it is none.
    """
    return 0 if text == "0" else whole_number(text)


def check(args: Namespace) -> int:
    """
    The number of the snapshot that is meant; 0: a new one.

    :raise UsageError: the arguments make no sense together.
    """
    least, most, wanted = ARGUMENTS[args.what]
    count = len(args.arguments)
    if count < least or (most is not None and count > most):
        raise UsageError(f"expected: snapshot {args.what} {wanted}")
    if args.what != "take":
        if args.then or args.queue:
            raise UsageError("--then and --queue belong to take")
        if not args.session:
            raise UsageError("a snapshot ends with its session: name that with --session")
        if not (args.arguments[0].isascii() and args.arguments[0].isdigit()):
            raise UsageError(f"expected the number of a snapshot, not {args.arguments[0]!r}")
        return int(args.arguments[0])
    if (args.then == "move") != bool(args.queue):
        raise UsageError("--then move and --queue belong together")
    return 0


async def command(reactor: Any, args: Namespace, output: Output) -> int:
    """Do what is asked, and print what came of it."""
    number = check(args)
    async with connected(reactor, args) as connection:
        match args.what:
            case "take":
                return await _take(connection, args, output)
            case "show":
                await show_pages(connection, number, args, output)
            case "lock" | "unlock":
                return await _lock(connection, number, args, output)
            case "move":
                return await _move(connection, number, args.arguments[1], args, output)
            case "stop":
                return await _stop(connection, number, args, output)
            case _:
                await _release(connection, number, output)
    return Exit.OK


async def _take(connection: Connected, args: Namespace, output: Output) -> int:
    request = RequestTakeSnapshot(
        tenant_id=connection.tenant_id,
        condition="".join(args.arguments),
        order=args.order,
        lock=args.lock,
        check_interactions_state=args.check_state,
        number_of_interactions=args.limit,
    )
    message, partial = await connection.client.ask(request, args.timeout)
    assert isinstance(message, EventSnapshotTaken)
    number, size = message.snapshot_id, message.number_of_interactions
    output.record(
        {"snapshot_id": number, "interactions": size, "partial": partial},
        f"snapshot {number}: {_counted(size)}",
    )
    if partial:
        output.line("Partial: a node that may have more did not answer.")
    if not args.quiet:
        await show_pages(connection, number, args, output)
    if args.then == "move":
        return await _move(connection, number, args.queue, args, output)
    if args.then == "stop":
        return await _stop(connection, number, args, output)
    return Exit.OK


async def _lock(connection: Connected, number: int, args: Namespace, output: Output) -> int:
    first: int = Exit.OK
    kind = RequestLockInteraction if args.what == "lock" else RequestUnlockInteraction
    for identifier in args.arguments[1:]:
        request = kind(
            tenant_id=connection.tenant_id,
            snapshot_id=number,
            interaction_id=identifier,
            reason=_reason(args),
        )
        try:
            await connection.client.request(request, args.timeout)
        except RequestRefused as problem:
            first = first or exit_code(problem) or Exit.REFUSED
            record = {"interaction_id": identifier, **error_record(problem)}
            output.problem(f"{identifier}: {problem}", record)
        else:
            locked = args.what == "lock"
            output.record(
                {"interaction_id": identifier, "locked": locked},
                f"{identifier} {'locked' if locked else 'unlocked'}",
            )
    return first


async def _move(
    connection: Connected, number: int, queue: str, args: Namespace, output: Output
) -> int:
    request = RequestMoveInteractions(
        tenant_id=connection.tenant_id, snapshot_id=number, queue=queue, reason=_reason(args)
    )
    message = await connection.client.request(request, args.timeout)
    assert isinstance(message, EventInteractionMoved)
    return _done(message, "moved", output)


async def _stop(connection: Connected, number: int, args: Namespace, output: Output) -> int:
    request = RequestStopInteractions(
        tenant_id=connection.tenant_id, snapshot_id=number, reason=_reason(args)
    )
    message = await connection.client.request(request, args.timeout)
    assert isinstance(message, EventInteractionMoved)
    return _done(message, "stopped", output)


async def _release(connection: Connected, number: int, output: Output) -> None:
    request = RequestReleaseSnapshot(tenant_id=connection.tenant_id, snapshot_id=number)
    await connection.client.request(request)
    output.record({"snapshot_id": number, "released": True}, f"snapshot {number} released")


def _done(message: EventInteractionMoved, what: str, output: Output) -> int:
    _show_left(message.errors, what, output)
    number = message.number_of_interactions
    output.record({what: number, f"not_{what}": len(message.errors)}, f"{what}: {_counted(number)}")
    return Exit.REFUSED if message.errors else Exit.OK


def _show_left(errors: Mapping[str, int], what: str, output: Output) -> None:
    for identifier, code in errors.items():
        output.record(
            {"interaction_id": identifier, "error": code, "description": describe(code)},
            f"{identifier} not {what}: {code}: {describe(code)}",
        )


def _reason(args: Namespace) -> Reason | None:
    return Reason(reason_description=args.reason) if args.reason else None


def _counted(number: int) -> str:
    return f"{number} interaction{'' if number == 1 else 's'}"
