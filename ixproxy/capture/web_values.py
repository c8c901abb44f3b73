"""What goes between HTTP and the faces of the web service: frozen values, no I/O."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from ixproxy.errors import RequestRefused
from ixproxy.node.intake_work import Document, Taken

AS_IT_IS = (("Accept-Encoding", "identity"),)
"""What an answer says to a body that is packed in any way: none is known."""

TEXT = "text/plain; charset=utf-8"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """
    One HTTP request, whole.

    :ivar path: its segments, unquoted; () is the root.
    :ivar query: of a name that is given twice the last value.
    :ivar headers: by their names in lower case; of one that comes twice the last.
    """

    method: str
    path: tuple[str, ...] = ()
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    body: bytes = b""

    @property
    def content_type(self) -> str:
        """The media type of the body in lower case, without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def charset(self) -> str:
        """What the header says of the body's encoding, in lower case; "": nothing."""
        for parameter in self.headers.get("content-type", "").split(";")[1:]:
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "charset":
                return value.strip().strip("\"'").lower()
        return ""

    @property
    def coding(self) -> str:
        """How the body is packed, such as "gzip", in lower case; "": as it is."""
        codings = self.headers.get("content-encoding", "").lower().split(",")
        return ", ".join(each.strip() for each in codings if each.strip() not in ("", "identity"))


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """
    One HTTP answer.

    :ivar unread: why the request could not be read as a document; "": it could.
    """

    status: int
    body: bytes = b""
    content_type: str = TEXT
    headers: tuple[tuple[str, str], ...] = ()
    unread: str = ""


def plain(status: int, why: str) -> Reply:
    """An answer in words."""
    return Reply(status=status, body=f"{why}\n".encode("utf-8", "replace"))


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """
    Work to be handed in, and how its outcome becomes an answer.

    :ivar done: for a document that was taken, be its operations refused or not.
    :ivar refused: for one of which nothing was done, or nobody knows.
    """

    document: Document
    done: Callable[[Taken], Reply]
    refused: Callable[[RequestRefused], Reply]


class Face(Protocol):
    """One way to speak to the web service; it raises nothing, whatever it is given."""

    def read(self, asked: Asked) -> Reply | Call:
        """What a request comes to: an answer at once, or work."""

    def failed(self, refusal: RequestRefused) -> Reply:
        """The answer to a request that never became work, such as one too many."""

    def reused(self, why: str) -> Reply:
        """The answer to a request whose receipt is that of another one."""
