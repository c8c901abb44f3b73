"""
`ixctl agent`: an agent at a desk, who does what is typed, or what a script says.

Theory of operation: one client logs one agent in and stays. Lines come from
standard input; each is one command (`agent_verbs`), and what is refused or not
understood is said and leaves the session as it is. Events are printed when they
come. At the end of the input the agent is logged out, and the client says goodbye.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from twisted.internet.defer import Deferred

from ixproxy.cli.agent_asking import Whose, media_of
from ixproxy.cli.agent_desk import Desk
from ixproxy.cli.agent_input import Above, Keyboard, KeyByKey, Script, StandardInput
from ixproxy.cli.agent_verbs import Line, completions, line_of
from ixproxy.cli.connecting import add_options, connected
from ixproxy.cli.outcomes import Exit, error_record
from ixproxy.cli.output import Output
from ixproxy.client import Client
from ixproxy.errors import IxproxyError
from ixproxy.values import ClientType


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: ArgumentParser = subparsers.add_parser(
        "agent",
        help="be an agent: log in, take invitations, work",
        description="Logs an agent in and reads commands from the terminal or a pipe; `help` "
        "lists them. Events are printed as they come. The end of the input (Ctrl-D) logs the "
        "agent out. From a pipe one command is done before the next one is read, and the exit "
        "code is 1 if one of them was refused.",
    )
    parser.add_argument("--agent", required=True, metavar="NAME", help="who works")
    parser.add_argument("--place", default="", metavar="NAME", help="where the agent sits")
    parser.add_argument(
        "--media",
        default="",
        metavar="MEDIA[=ready|notready],...",
        help="what to log in with; a name alone is ready",
    )
    add_options(parser, ClientType.AGENT_APPLICATION, choice=False, session=False)
    parser.set_defaults(command=command)


class Commands:
    """
    Carries lines out, and says what is wrong with them.

    :ivar failed: whether any was refused, or not understood.
    """

    def __init__(self, desk: Desk, output: Output) -> None:
        self._desk = desk
        self._output = output
        self.failed = False

    async def __call__(self, text: str) -> bool:
        """Whether the session goes on."""
        verb = (text.split() or [""])[0]
        try:
            line = line_of(text)
            if line is None:
                return True
            if line.verb == "quit":
                return False
            await self._desk.carry_out(line)
        except IxproxyError as problem:
            self.failed = True
            self._output.record({"command": verb, **error_record(problem)}, f"{verb}: {problem}")
        return True


Reading = Callable[[Any, Commands, Desk], Deferred[None]]


async def command(reactor: Any, args: Namespace, output: Output) -> int:
    """Log in, carry lines out until there are no more, log out."""
    media = media_of(args.media)
    terminal = sys.stdin.isatty() and output.terminal
    above = Above(sys.stdout)
    if terminal:
        output = Output(False, above, above)  # type: ignore[arg-type]
    async with connected(reactor, args) as connection:
        client = connection.client
        assert isinstance(client, Client)
        whose = Whose(connection.tenant_id, args.agent, args.place)
        desk = Desk(client, whose, media, output, reactor, args.timeout)
        await desk.carry_out(Line("login"))
        commands = Commands(desk, output)
        if terminal:
            await _type(reactor, commands, desk, above)
        else:
            script = Script(commands)
            with listening(reactor, script):
                await script.over
        await desk.log_out()
    return Exit.REFUSED if commands.failed and not terminal else Exit.OK


def listening(reactor: Any, protocol: Any) -> StandardInput:
    """Standard input, told to a protocol for as long as it is entered."""
    return StandardInput(reactor, protocol, sys.stdin.fileno())


async def _type(reactor: Any, commands: Commands, desk: Desk, above: Above) -> None:
    keyboard = Keyboard(commands, lambda text: completions(text, desk.words), above.direct)
    with ExitStack() as stack:
        stack.enter_context(KeyByKey(sys.stdin.fileno()))
        stack.callback(setattr, above, "keyboard", None)
        above.keyboard = keyboard
        stack.enter_context(listening(reactor, keyboard))
        await keyboard.over
