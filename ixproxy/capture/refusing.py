"""What is wrong with a document that cannot be handed in, and which answers say "later"."""

from __future__ import annotations

from collections.abc import Mapping

from ixproxy.errors import Code, IxproxyError, RequestRefused
from ixproxy.node.intake_work import MAX_RECEIPT, NAME, Document, Problem, Taken, comes_again


class DocumentRefused(IxproxyError):
    """
    A document of which nothing can be done: it belongs in the error place.

    :ivar code: one of `ixproxy.errors.Code`, for an `error` notification.
    :ivar reason: what is wrong, in one line.
    :ivar line: of the document, counted from 1; 0: not known.
    """

    def __init__(self, reason: str, line: int = 0, code: int = Code.BAD_ATTRIBUTE) -> None:
        self.code = code
        self.reason = one_line(reason)
        self.line = line
        super().__init__(f"line {line}: {self.reason}" if line else self.reason)


MOST_SHOWN = 300
"""Characters of a reason: parts of a document stand in it, and those have no end."""


def refused_for_ever(answer: RequestRefused) -> bool:
    """Whether a document that an intake has refused belongs in the error place, not to later."""
    return not comes_again(answer)


def undone(taken: Taken) -> list[Problem]:
    """
    Why nothing came of a document, for each of its operations; empty: something did.

    It belongs in the error place then, whatever its kind.
    """
    if taken.problem is not None:
        return [taken.problem]
    problems = [each.problem for each in taken.results if each.problem is not None]
    return problems if len(problems) == len(taken.results) else []


def undone_reason(problems: list[Problem]) -> str:
    """The reason of such a document in one line."""
    first = problems[0]
    more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
    return f"nothing of it was done: {first.code}: {first.description}{more}"


def refused_parts(taken: Taken) -> list[str]:
    """Which operations of a document were refused, counted from 1, and why."""
    return [
        f"operation {number}: {each.problem.code}: {each.problem.description}"
        for number, each in enumerate(taken.results, 1)
        if each.problem is not None
    ]


def parts_reason(parts: list[str]) -> str:
    """Those in one line, which is cut where they are many."""
    more = f", and {len(parts) - 1} more" if len(parts) > 1 else ""
    room = MOST_SHOWN - len(more)
    text = f"not all of it was done: {parts[0]}"
    return one_line(text if len(text) <= room else text[: room - 1] + "…") + more


def unusable(
    refused: DocumentRefused,
    name: str,
    receipt: str,
    correlation: Mapping[str, str],
    *,
    replies: bool,
) -> Document:
    """
    What is handed in of a document of which nothing can be done.

    So it is known where it was done before, and its source is told otherwise.

    :param name: how its source calls it.
    """
    return Document(
        # A receipt that cannot be one is no name either.
        receipt=receipt if len(receipt) <= MAX_RECEIPT and "\0" not in receipt else "",
        correlation={**correlation, NAME: name} if name else dict(correlation),
        replies=replies,
        problem=Problem(refused.code, str(refused)),
    )


def not_done(document: Document, name: str, problem: BaseException | None) -> Document:
    """What is handed in, then, of a document that no intake will take."""
    code = problem.code if isinstance(problem, RequestRefused) else Code.INTERNAL
    refused = DocumentRefused(str(problem), code=code)
    return unusable(
        refused, name, document.receipt, document.correlation, replies=document.replies
    )


def one_line(text: str) -> str:
    """`text` as a person can read it in one line: cut, and without what does not print."""
    if len(text) > MOST_SHOWN:
        text = text[: MOST_SHOWN - 1] + "…"
    return "".join(each if each.isprintable() else " " for each in text).strip()


def shown(text: str) -> str:
    """A piece of a document, quoted and cut, to stand in a reason."""
    return repr(text if len(text) <= 60 else text[:59] + "…")
