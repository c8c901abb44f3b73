"""What refuses a document, and for how long."""

from __future__ import annotations

import pytest

from ixproxy.capture.refusing import (
    DocumentRefused,
    not_done,
    one_line,
    parts_reason,
    refused_for_ever,
    refused_parts,
    shown,
    undone,
    undone_reason,
    unusable,
)
from ixproxy.errors import Code, RequestRefused
from ixproxy.node.intake_work import Document, Problem, Result, Taken, Verb


def test_a_refusal_says_the_line_that_it_knows() -> None:
    assert str(DocumentRefused("it is bad", 7)) == "line 7: it is bad"
    assert str(DocumentRefused("it is bad")) == "it is bad"


def test_a_reason_is_one_line_that_has_an_end() -> None:
    refused = DocumentRefused("a\nb\x00c" + "x" * 1000)
    assert refused.reason.startswith("a b cxxx")
    assert len(refused.reason) == 300
    assert one_line("a\x07b\n") == "a b"


def test_a_piece_of_a_document_is_quoted_and_cut() -> None:
    assert shown("a\n") == "'a\\n'"
    assert len(shown("x" * 1000)) == 62


@pytest.mark.parametrize(
    ("code", "in_doubt", "for_ever"),
    [
        (Code.BUSY, False, False),
        (Code.STOPPING, False, False),
        (Code.STORE_FAILED, False, False),
        (Code.STORE_UNCERTAIN, True, False),
        (Code.INTERNAL, True, False),
        (Code.TOO_LARGE, False, True),
        (Code.BAD_ATTRIBUTE, False, True),
        (Code.BAD_ATTRIBUTE, True, False),
    ],
)
def test_only_what_is_wrong_with_the_document_itself_refuses_it_for_ever(
    code: int, in_doubt: bool, for_ever: bool
) -> None:
    assert refused_for_ever(RequestRefused(code, in_doubt=in_doubt)) is for_ever


def test_nothing_came_of_a_document_if_all_of_its_operations_were_refused() -> None:
    first, second = Problem(43, "who is that?"), Problem(2, "who is it?")

    def taken(*problems: Problem | None) -> Taken:
        return Taken(results=tuple(Result(verb=Verb.STOP, problem=each) for each in problems))

    assert undone(taken(first, second)) == [first, second]
    assert undone(taken(first, None)) == []
    # Nobody remembers what came of it.
    assert undone(taken()) == []
    assert undone_reason([first]) == "nothing of it was done: 43: who is that?"
    assert undone_reason([first, second]) == "nothing of it was done: 43: who is that?, and 1 more"


def test_operations_that_were_refused_are_named_by_their_number() -> None:
    refused = Result(verb=Verb.STOP, problem=Problem(43, "who is that?"))
    taken = Taken(results=(Result(verb=Verb.STOP), refused, refused))
    parts = ["operation 2: 43: who is that?", "operation 3: 43: who is that?"]
    assert refused_parts(taken) == parts
    assert parts_reason(parts) == (
        "not all of it was done: operation 2: 43: who is that?, and 1 more"
    )
    assert parts_reason(parts[:1]) == "not all of it was done: operation 2: 43: who is that?"
    long = parts_reason(["operation 1: 43: " + "x\n" * 500, *parts])
    assert len(long) <= 300
    assert long.endswith("…, and 2 more")
    assert long.isprintable()


@pytest.mark.parametrize("receipt", ["x" * 501, "a\0b"])
def test_what_cannot_be_used_is_handed_in_under_its_name(receipt: str) -> None:
    refused = DocumentRefused("it is bad", 7, Code.TOO_LARGE)
    made = unusable(refused, "a.xml", "r1", {"file": "a"}, replies=False)
    assert made == Document(
        receipt="r1",
        correlation={"file": "a", "document": "a.xml"},
        replies=False,
        problem=Problem(Code.TOO_LARGE, "line 7: it is bad"),
    )
    bare = unusable(refused, "", receipt, {}, replies=True)
    assert (bare.receipt, bare.correlation, bare.replies) == ("", {}, True)
    assert undone(Taken(problem=made.problem)) == [made.problem]


@pytest.mark.parametrize(
    ("problem", "code"),
    [(RequestRefused(Code.TOO_LARGE, "no"), Code.TOO_LARGE), (KeyError("x"), Code.INTERNAL)],
)
def test_what_no_intake_takes_says_so_in_the_end(problem: Exception, code: int) -> None:
    given = Document(operations=(), receipt="r1", correlation={"file": "a"}, replies=False)
    made = not_done(given, "a.xml", problem)
    assert made.problem == Problem(code, str(problem))
    assert (made.receipt, made.replies) == ("r1", False)
    assert made.correlation == {"file": "a", "document": "a.xml"}
