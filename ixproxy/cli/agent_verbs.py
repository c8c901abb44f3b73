"""
The lines that `ixctl agent` understands: a verb and its words.

Each verb says by its pattern what follows it: `ID` must be there, `[REASON...]`
need not, and with `...` the rest of the line is one word. Words are
separated as a shell does it, so `'late lunch'` is one; `#` begins a remark.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import NamedTuple

from ixproxy.cli.outcomes import UsageError


class Verb(NamedTuple):
    """One verb; `pattern` says what follows it."""

    name: str
    pattern: str
    help: str

    @property
    def usage(self) -> str:
        """The whole line."""
        return f"{self.name} {self.pattern}".strip()


_ALL = (
    Verb("login", "[MEDIA...]", "log in, with media types as in --media"),
    Verb("logout", "[REASON...]", "log out, and stay connected"),
    Verb("ready", "MEDIA [REASON...]", "make a media channel ready"),
    Verb("notready", "MEDIA [REASON...]", "make a media channel not ready"),
    Verb("add", "MEDIA", "add a media channel, not ready"),
    Verb("remove", "MEDIA", "remove a media channel"),
    Verb("dnd", "on|off [REASON...]", "let no invitation come, or let them come again"),
    Verb("reason", "REASON...", "give a new reason for the agent's state"),
    Verb("media-reason", "MEDIA REASON...", "give a new reason for the state of a media channel"),
    Verb("pull", "VIEW|ID", "take from QUEUE/VIEW, or one interaction by its id"),
    Verb("accept", "[TICKET]", "accept an invitation: the only one, if none is named"),
    Verb("reject", "[TICKET] [REASON...]", "refuse an invitation"),
    Verb("transfer", "ID AGENT", "hand an interaction to another agent, who is invited"),
    Verb(
        "conference", "ID AGENT [MODE]", "invite another agent to join: Conference, Coach, Monitor"
    ),
    Verb("intrude", "ID [MODE]", "join the work of others"),
    Verb("leave", "ID", "leave an interaction; the last one out puts it back"),
    Verb("place", "ID QUEUE", "place an interaction in a queue"),
    Verb(
        "workbin", "TYPE [ID]", "lay an interaction into the agent's workbin, or list what is there"
    ),
    Verb("stop", "ID [REASON...]", "end an interaction"),
    Verb("hold", "ID", "put an interaction on hold"),
    Verb("resume", "ID", "end the hold"),
    Verb("show", "ID", "show all properties"),
    Verb(
        "change",
        "ID [+]KEY=VALUE|-KEY...",
        "change, add (+) or delete (-) one property; KEY:=JSON; the value is the rest of the line",
    ),
    Verb("list", "", "what is in hand, and which invitations wait"),
    Verb("status", "", "the connection, and the agent's state"),
    Verb(
        "wait", "EVENT [SECONDS]", "until the next event of a name, for scripts; `Invite` will do"
    ),
    Verb("help", "[VERB]", "this list"),
    Verb("quit", "", "log out and end, as the end of the input does"),
)
VERBS = {verb.name: verb for verb in _ALL}
LAST = "."
"""In the place of an ID: the interaction that came into the agent's hands last."""


class Line(NamedTuple):
    """A verb, and the words for its pattern; those that need not be there may be missing."""

    verb: str
    words: tuple[str, ...] = ()

    def word(self, place: int) -> str:
        """The word there; empty where there is none."""
        return self.words[place] if place < len(self.words) else ""


def line_of(text: str) -> Line | None:
    """
    What a line says.

    :return: None: nothing but blanks or a remark.
    :raise UsageError: there is no such verb, or its words do not fit.
    """
    try:
        words = shlex.split(text, comments=True)
    except ValueError as problem:
        raise UsageError(f"cannot read the line: {problem}") from problem
    if not words:
        return None
    name, *given = words
    verb = VERBS.get(name)
    if verb is None:
        raise UsageError(f"no such command: {name!r}; `help` lists them")
    return Line(name, _fitted(verb, given))


def _fitted(verb: Verb, given: list[str]) -> tuple[str, ...]:
    slots = verb.pattern.split()
    needed = [slot for slot in slots if not (slot.startswith("[") and slot.endswith("]"))]
    if len(given) < len(needed):
        missing = needed[len(given)].removesuffix("...")
        raise UsageError(f"{verb.name} needs {missing}: {verb.usage}")
    if slots and slots[-1].rstrip("]").endswith("..."):
        if len(given) >= len(slots):
            given[len(slots) - 1 :] = [" ".join(given[len(slots) - 1 :])]
    elif len(given) > len(slots):
        raise UsageError(f"too much after {verb.name}: {verb.usage}")
    return tuple(given)


def help_lines(name: str = "") -> list[tuple[str, str]]:
    """
    Usage and meaning of each verb, or of one.

    :raise UsageError: there is no such verb.
    """
    if name and name not in VERBS:
        raise UsageError(f"no such command: {name!r}; `help` lists them")
    return [(verb.usage, verb.help) for verb in _ALL if name in ("", verb.name)]


def completions(text: str, known: Iterable[str]) -> list[str]:
    """
    How the last word of `text` may go on.

    :param known: ids, tickets, media types and the like: words that may follow a verb.
    """
    before, _, begun = text.rpartition(" ")
    words = known if before.strip() else VERBS
    return sorted({word for word in words if word.startswith(begun)})
