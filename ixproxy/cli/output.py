"""What a command prints: JSON lines for scripts, text for persons, colour for terminals only."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

_json = msgspec.json.Encoder(decimal_format="number")


def json_line(record: object) -> str:
    """
    `record` as JSON on one line.

    Bytes become base64; text that is no valid Unicode gets replacement signs.
    """
    try:
        return _json.encode(record).decode()
    except UnicodeEncodeError:
        return _json.encode(_clean(record)).decode()


def _clean(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case Mapping():
            return {_clean(key): _clean(each) for key, each in value.items()}
        case list() | tuple():
            return [_clean(each) for each in value]
    return value


def plain(value: object) -> str:
    """A property's value as text on one line; control characters are escaped."""
    match value:
        case None:
            return ""
        case str():
            text = value
        case bytes():
            text = value.hex(" ")
        case Mapping() | list() | tuple():
            text = json_line(value)
        case _:
            text = str(value)
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text)


def moment(seconds: float) -> str:
    """Seconds since the epoch as a UTC time; empty for 0."""
    if not seconds:
        return ""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


class _Console(Console):
    """Where whoever reads our output goes away, that is for `main` to know."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


class Output:
    """
    One command's output.

    :param json: print objects, one a line, and nothing else.
    """

    def __init__(
        self, json: bool = False, stdout: TextIO | None = None, stderr: TextIO | None = None
    ) -> None:
        self.json = json
        self._stdout = stdout or sys.stdout
        self._stderr = stderr or sys.stderr
        terminal = self._stdout.isatty()
        # Away from a terminal nothing may be cut to a width that nobody chose.
        self.console = _Console(
            file=self._stdout, width=None if terminal else 160, highlight=False, soft_wrap=True
        )
        self._notes = Console(file=self._stderr, highlight=False, soft_wrap=True)

    @property
    def terminal(self) -> bool:
        """Whether a person looks at it."""
        return self.console.is_terminal and not self.json

    @property
    def notes(self) -> Console:
        """Where progress is shown: never mixed with results."""
        return self._notes

    def record(self, record: Mapping[str, object], text: str = "") -> None:
        """One result: an object for scripts, or `text` for persons."""
        if self.json:
            self._print(json_line(record))
        elif text:
            self.line(text)

    def line(self, text: str) -> None:
        """Text for persons only."""
        if not self.json:
            self.console.print(Text(text))

    def note(self, text: str) -> None:
        """A remark beside the results: on stderr, never part of the output."""
        self._notes.print(Text(text))

    def problem(self, text: str, record: Mapping[str, object]) -> None:
        """An error: an object for scripts on stdout, text for persons on stderr."""
        if self.json:
            self._print(json_line(record))
        else:
            self._notes.print(Text(f"ixctl: {text}"))

    def table(
        self, columns: Sequence[str], rows: Iterable[Sequence[object]], title: str = ""
    ) -> None:
        """A table for persons; numbers stand right."""
        listed = [list(row) for row in rows]
        table = Table(title=title or None, box=None, pad_edge=False, title_justify="left")
        for place, column in enumerate(columns):
            numbers = all(isinstance(row[place], int | float) for row in listed)
            table.add_column(column, justify="right" if numbers and listed else "left")
        for row in listed:
            table.add_row(*(Text(plain(value)) for value in row))
        self.console.print(table)

    def properties(self, properties: Mapping[str, object], indent: str = "") -> None:
        """Names and values, one a line; nested lists are indented."""
        width = max((len(name) for name in properties), default=0)
        for name, value in properties.items():
            if isinstance(value, Mapping) and value:
                self.line(f"{indent}{name}")
                self.properties(value, indent + "  ")
            else:
                self.line(f"{indent}{name:<{width}}  {plain(value)}")

    def _print(self, text: str) -> None:
        self._stdout.write(text + "\n")
        self._stdout.flush()
