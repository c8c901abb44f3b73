"""
Where in the text of a TOML file a table or key stands.

TOML readers give values without lines. The text has been read by one of them
before, so this scan needs to know only where statements begin: it walks over
strings, comments and brackets and remembers headers and keys.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

Path = tuple[str | int, ...]
"""Names of tables and keys; a whole number picks from an array of tables, from 0."""

_BLANK = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
# Longest first: a multi-line string begins with an empty string.
_SKIPPED = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*",
    re.DOTALL,
)
_BASIC = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_LITERAL = re.compile(r"'[^'\n]*'")
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", re.DOTALL)
_LETTERS = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b"}


class Lines:
    """The lines of one file, by path; the longest known beginning of a path counts."""

    def __init__(self, text: str) -> None:
        self._text = text.replace("\r\n", "\n")
        self._known: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}
        self._scan()

    def line(self, path: Path) -> int:
        """The line of `path`, counted from 1; 0 where nothing of it is known."""
        while path:
            if path in self._known:
                return self._known[path]
            path = path[:-1]
        return 0

    def _scan(self) -> None:
        place, table = 0, Path()
        line, counted = 1, 0
        while place < len(self._text):
            place = self._after(_BLANK, place)
            line += self._text.count("\n", counted, place)
            counted = place
            if self._text.startswith("[", place):
                array = self._text.startswith("[[", place)
                names, place = self._names(place + (2 if array else 1))
                table = self._opened(names, array, line)
            elif place < len(self._text) and self._text[place] not in "\n#":
                names, place = self._names(place)
                for end in range(1, len(names) + 1):
                    self._known.setdefault((*table, *names[:end]), line)
            place = self._statement_end(place)

    def _opened(self, names: Sequence[str], array: bool, line: int) -> Path:
        """Follow a header's names; one that is an array of tables means its last one."""
        path: Path = ()
        for name in names[:-1]:
            path = (*path, name)
            self._known.setdefault(path, line)
            if path in self._counts:
                path = (*path, self._counts[path] - 1)
        path = (*path, *names[-1:])
        if array:
            self._known.setdefault(path, line)
            self._counts[path] = self._counts.get(path, 0) + 1
            path = (*path, self._counts[path] - 1)
        # A header says more about a table than the first header of its children.
        self._known[path] = line
        return path

    def _names(self, place: int) -> tuple[list[str], int]:
        """A dotted key from `place` on, and the place behind it."""
        names: list[str] = []
        while True:
            place = self._after(_BLANK, place)
            for form in (_BARE, _BASIC, _LITERAL):
                if match := form.match(self._text, place):
                    names.append(_unquoted(match[0]))
                    place = self._after(_BLANK, match.end())
                    break
            else:
                return names, place
            if not self._text.startswith(".", place):
                return names, place
            place += 1

    def _statement_end(self, place: int) -> int:
        """The place behind the line end that ends the statement around `place`."""
        depth = 0
        while place < len(self._text):
            letter = self._text[place]
            if letter in "\"'#" and (match := _SKIPPED.match(self._text, place)):
                place = match.end()
                continue
            if letter == "\n" and depth <= 0:
                return place + 1
            depth += (letter in "[{") - (letter in "]}")
            place += 1
        return place

    def _after(self, form: re.Pattern[str], place: int) -> int:
        match = form.match(self._text, place)
        return match.end() if match else place


def _unquoted(key: str) -> str:
    if key.startswith("'"):
        return key[1:-1]
    if key.startswith('"'):
        return _ESCAPE.sub(_letter, key[1:-1])
    return key


def _letter(match: re.Match[str]) -> str:
    digits = match[1] or match[2]
    if digits:
        return chr(int(digits, 16)) if int(digits, 16) < 0x110000 else "?"
    return _LETTERS.get(match[3], match[3])


_PLAIN = re.compile(r"[A-Za-z0-9_-]+")


def dotted(path: Path) -> str:
    """`path` as a table's name in a message; places in arrays are counted from 1."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"#{part + 1}"
            continue
        name = part if _PLAIN.fullmatch(part) else '"' + part.replace('"', '\\"') + '"'
        text += f".{name}" if text else name
    return text
