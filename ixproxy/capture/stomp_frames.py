"""
STOMP 1.2 as bytes: frames written, and read again however the network cut them.

A frame is a command, headers and a body. The body ends at its `content-length`, or,
where it has none, at the first NUL. What brokers make of that length is
meant: with it a message is one of bytes, without it one of text.

Theory of operation: a reader is in the head of a frame, in its body, or in a body
that it skips because it is longer than is allowed: its bytes are counted and
dropped, and the frame comes without them, so that whoever reads knows which
message it was and memory stays bounded. Each byte is looked at once, at
whatever speed they come.

Source: stomp.github.io/stomp-specification-1.2.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ixproxy.errors import Code, LocalProtocolError, RemoteProtocolError

HEART_BEAT = b"\n"
"""What is sent to show that one is there: an empty line between frames."""

MOST_HEAD = 65_536
"""Bytes that the command and headers of a frame may have together."""

MOST_BODY = 16 * 1024 * 1024
"""Bytes of a body beyond which it is skipped, unless a reader is told otherwise."""

_HEAD_ENDS = re.compile(rb"\n\r?\n")
_ESCAPED = {"\\": "\\\\", "\r": "\\r", "\n": "\\n", ":": "\\c"}
_WRITTEN = str.maketrans(_ESCAPED)
_ESCAPE = re.compile(r"\\(.?)", re.DOTALL)
_MEANT = {written[1]: meant for meant, written in _ESCAPED.items()}
_UNESCAPED = frozenset({"CONNECT", "STOMP", "CONNECTED"})
"""Frames of the opening, which have no escapes, so that older versions can read them."""


@dataclass(frozen=True, slots=True)
class Frame:
    """
    :ivar command: in capitals, such as "MESSAGE".
    :ivar headers: unescaped; of one that is given twice, the first, as the rules say.
    :ivar skipped: bytes of a body that was too long and is not here; 0: all of it is.
    """

    command: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    skipped: int = 0


def written(frame: Frame, *, text: bool = False) -> bytes:
    """
    A frame as it is sent.

    :param text: leave out `content-length`, so that brokers take the body for text.
    :raise LocalProtocolError: what would be read as another frame than this one.
    """
    escape = frame.command not in _UNESCAPED
    lines = [frame.command]
    for name, value in frame.headers.items():
        if escape:
            lines.append(f"{name.translate(_WRITTEN)}:{value.translate(_WRITTEN)}")
        elif set(name) & set(":\r\n") or set(value) & set("\r\n"):
            raise LocalProtocolError(f"{frame.command} cannot have the header {name!r}: {value!r}")
        else:
            lines.append(f"{name}:{value}")
    if text:
        if b"\0" in frame.body:
            raise LocalProtocolError("a body with a NUL in it cannot be sent as text")
    elif frame.body or frame.command == "SEND":
        lines.append(f"content-length:{len(frame.body)}")
    head = "\n".join(lines)
    if "\0" in head:
        raise LocalProtocolError(f"a header of {frame.command} has a NUL in it")
    return b"%b\n\n%b\0" % (head.encode(), frame.body)


class FrameReader:
    """
    Reads frames from bytes as they come.

    :param most_body: bytes; a longer body is skipped.
    """

    def __init__(self, most_body: int = MOST_BODY, most_head: int = MOST_HEAD) -> None:
        self._most_body = most_body
        self._most_head = most_head
        self._bytes = bytearray()
        self._looked = 0
        self._head: tuple[str, Mapping[str, str]] | None = None
        self._length = -1
        self._skipped = 0

    def feed(self, received: bytes) -> Iterator[Frame]:
        """
        The frames that are complete with these bytes; those of one call must be
        taken before the next.

        :raise RemoteProtocolError: the bytes are no STOMP; nothing can be read any more.
        """
        self._bytes += received
        while (frame := self._next()) is not None:
            yield frame

    def _next(self) -> Frame | None:
        if self._head is None and not self._head_is_there():
            return None
        assert self._head is not None
        return self._by_length() if self._length >= 0 else self._by_nul()

    def _head_is_there(self) -> bool:
        if not self._looked:
            # Between frames there may be empty lines: heart-beats.
            begins = len(self._bytes) - len(self._bytes.lstrip(b"\r\n"))
            del self._bytes[:begins]
        ends = _HEAD_ENDS.search(self._bytes, max(0, self._looked - 2))
        self._looked = len(self._bytes)
        size = ends.start() if ends else len(self._bytes)
        if size > self._most_head:
            raise _bad(f"the head of a frame has more than {self._most_head} bytes")
        if ends is None:
            return False
        command, headers = _head(bytes(self._bytes[:size]))
        self._length = _length(command, headers)
        del self._bytes[: ends.end()]
        self._head, self._looked = (command, headers), 0
        return True

    def _by_length(self) -> Frame | None:
        """A body of known length, and the NUL behind it."""
        if self._length > self._most_body:
            dropped = min(len(self._bytes), self._length - self._skipped)
            del self._bytes[:dropped]
            self._skipped += dropped
            missing = self._length - self._skipped
            size = 0
        else:
            missing, size = self._length - len(self._bytes), self._length
        if missing > 0 or len(self._bytes) <= size:
            return None
        if self._bytes[size]:
            raise _bad(f"a body of {self._length} bytes is not followed by a NUL")
        return self._complete(size)

    def _by_nul(self) -> Frame | None:
        size = self._bytes.find(b"\0", self._looked)
        so_far = len(self._bytes) if size < 0 else size
        if self._skipped or so_far > self._most_body:
            self._skipped += so_far
            del self._bytes[:so_far]
            so_far = 0
        if size < 0:
            self._looked = so_far
            return None
        return self._complete(so_far)

    def _complete(self, size: int) -> Frame:
        assert self._head is not None
        frame = Frame(*self._head, bytes(self._bytes[:size]), self._skipped)
        del self._bytes[: size + 1]
        self._head, self._length, self._skipped, self._looked = None, -1, 0, 0
        return frame


def _bad(description: str) -> RemoteProtocolError:
    return RemoteProtocolError(Code.BAD_FRAME, description, fatal=True)


def _head(head: bytes) -> tuple[str, Mapping[str, str]]:
    """Command and headers."""
    command, *lines = head.decode("utf-8", "surrogateescape").split("\n")
    command = command.removesuffix("\r")
    if not (command.isascii() and command.isalpha() and command.isupper()):
        raise _bad(f"expected the name of a command, not {command[:40]!r}")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.removesuffix("\r").partition(":")
        if not colon or not name:
            raise _bad(f"{command}: expected a header, not {line[:40]!r}")
        if command not in _UNESCAPED:
            name, value = _unescaped(command, name), _unescaped(command, value)
        headers.setdefault(_readable(name), _readable(value))
    return command, headers


def _readable(text: str) -> str:
    """
    What is not UTF-8, as it should be, written out in hexadecimal digits.

    RabbitMQ hands on headers that a sender in another protocol gave it as mere
    bytes; a message must not be the end of a connection for that.
    """
    if text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _unescaped(command: str, text: str) -> str:
    if "\\" not in text:
        return text

    def meant(escape: re.Match[str]) -> str:
        if escape[1] not in _MEANT:
            raise _bad(f"{command}: {escape[0]!r} is no escape, in {text[:40]!r}")
        return _MEANT[escape[1]]

    return _ESCAPE.sub(meant, text)


def _length(command: str, headers: Mapping[str, str]) -> int:
    """The length of the body; -1: it ends with a NUL."""
    text = headers.get("content-length")
    if text is None:
        return -1
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):
        raise _bad(f"{command}: expected as content-length a number, not {text[:40]!r}")
    return int(text)
