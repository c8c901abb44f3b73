"""The line that somebody is typing: keys go in, lines come out, and it can be drawn again."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from typing import NamedTuple

MAX_LINE = 16_384
MAX_REMEMBERED = 500

_KEY = re.compile(r"\x1b\[([0-9;]*)([A-Za-z~])|\x1bO([A-Za-z])|\x1b.|.", re.DOTALL)
_UNFINISHED = re.compile(r"\x1b(?:\[[0-9;]{0,8}|O)?\Z")
_NAMES = {"A": "up", "B": "down", "C": "right", "D": "left", "H": "home", "F": "end"}
_TILDES = {"1": "home", "3": "delete", "4": "end", "7": "home", "8": "end"}
_CONTROLS = {
    "\x01": "home",
    "\x02": "left",
    "\x05": "end",
    "\x06": "right",
    "\x08": "back",
    "\x0e": "down",
    "\x10": "up",
    "\x7f": "back",
    "\x0b": "cut",
    "\x15": "clear",
    "\x17": "word",
}


class Typed(NamedTuple):
    """What a key led to: a whole line, or the end of the input."""

    line: str = ""
    end: bool = False


class InputLine:
    """
    One line with a cursor, and the lines before it.

    :param complete: given what stands before the cursor, how its last word may go on.
    :ivar offers: what the last tab found, when it was more than one word.
    """

    def __init__(self, prompt: str, complete: Callable[[str], list[str]]) -> None:
        self._prompt = prompt
        self._complete = complete
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._text = ""
        self._at = 0
        self._older: list[str] = []
        self._shown = 0
        self.offers: list[str] = []

    @property
    def text(self) -> str:
        """What is typed so far."""
        return self._text

    def feed(self, keys: bytes) -> list[Typed]:
        """Type some keys, as a terminal sends them."""
        typed = self._rest + self._decoder.decode(keys)
        unfinished = _UNFINISHED.search(typed)
        cut = unfinished.start() if unfinished else len(typed)
        self._rest = typed[cut:]
        done: list[Typed] = []
        self.offers = []
        for key in _KEY.finditer(typed[:cut]):
            letter = key.group()
            if letter in ("\r", "\n"):
                done.append(Typed(self._entered()))
            elif letter == "\x04":
                if self._text:
                    self._delete(self._at, self._at + 1)
                else:
                    done.append(Typed(end=True))
            elif letter == "\t":
                self._tab()
            elif letter.isprintable():
                self._insert(letter)
            else:
                self._move(_name(key))
        return done

    def drawn(self, width: int) -> str:
        """What draws the line, from the left edge on; of a long line what is around the cursor."""
        room = max(width - len(self._prompt) - 1, 8)
        first = max(self._at - room, 0)
        shown = self._text[first : first + room]
        back = len(shown) - (self._at - first)
        return f"\r\x1b[K{self._prompt}{shown}" + (f"\x1b[{back}D" if back else "")

    def _entered(self) -> str:
        line, self._text, self._at = self._text, "", 0
        if line.strip() and self._older[-1:] != [line]:
            self._older.append(line)
            del self._older[:-MAX_REMEMBERED]
        self._shown = len(self._older)
        return line

    def _insert(self, letters: str) -> None:
        letters = letters[: MAX_LINE - len(self._text)]
        self._text = self._text[: self._at] + letters + self._text[self._at :]
        self._at += len(letters)

    def _delete(self, first: int, end: int) -> None:
        self._text = self._text[:first] + self._text[end:]
        self._at = first

    def _move(self, name: str) -> None:
        match name:
            case "left":
                self._at = max(self._at - 1, 0)
            case "right":
                self._at = min(self._at + 1, len(self._text))
            case "home":
                self._at = 0
            case "end":
                self._at = len(self._text)
            case "back" if self._at:
                self._delete(self._at - 1, self._at)
            case "delete":
                self._delete(self._at, self._at + 1)
            case "cut":
                self._delete(self._at, len(self._text))
            case "clear":
                self._delete(0, self._at)
            case "word":
                kept = self._text[: self._at].rstrip().rpartition(" ")
                self._delete(len(kept[0] + kept[1]), self._at)
            case "up" | "down":
                self._remember(-1 if name == "up" else 1)

    def _remember(self, step: int) -> None:
        self._shown = min(max(self._shown + step, 0), len(self._older))
        self._text = (*self._older, "")[self._shown]
        self._at = len(self._text)

    def _tab(self) -> None:
        before = self._text[: self._at]
        words = self._complete(before)
        begun = before.rpartition(" ")[2]
        if len(words) == 1:
            self._insert(words[0][len(begun) :] + " ")
        elif words:
            common = _common(words)
            self._insert(common[len(begun) :])
            self.offers = words if common == begun else []


def _name(key: re.Match[str]) -> str:
    number, final, other = key.groups()
    if final == "~":
        return _TILDES.get(number or "", "")
    if final or other:
        return _NAMES.get(final or other, "")
    return _CONTROLS.get(key.group(), "")


def _common(words: list[str]) -> str:
    """What all of them begin with."""
    first, last = min(words), max(words)
    same = 0
    while same < len(first) and first[same] == last[same]:
        same += 1
    return first[:same]
