from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ixproxy.node.invitations import Invitations, Waiting
from ixproxy.node.journal import Journal
from ixproxy.node.rows import InvitationRow


def invitation(ticket: int, interaction: str = "i", agent: str = "Ann") -> InvitationRow:
    return InvitationRow(
        ticket=ticket,
        interaction_id=interaction,
        tenant_id=1,
        operation="Deliver",
        agent_id=agent,
        agent_number=1,
        agent_dbid=101,
    )


def test_invitations_are_found_by_ticket_interaction_and_agent() -> None:
    known = Invitations(Journal())
    first, second, third = invitation(1), invitation(2, agent="Bob"), invitation(3, "j")
    for row in (first, second, third):
        known.keep(row)
    assert known.get(2) is second
    assert known.of("i") == [first, second]
    assert known.to(1, "Ann") == [first, third]
    known.drop(first)
    assert (known.get(1), known.of("i"), known.to(1, "Ann")) == (None, [second], [third])
    assert (known.of("none"), known.to(2, "Ann"), len(known)) == ([], [], 2)


def test_a_request_that_waits_is_answered_once() -> None:
    known = Invitations(Journal())
    known.wait(1, b"s", "token")
    known.wait(2, b"s", "other")
    assert list(known.awaited_by(b"s")) == [1, 2]
    assert known.waits(1) == Waiting(b"s", "token")
    assert known.waits(1) is None
    assert list(known.awaited_by(b"s")) == [2]
    known.waits(2)
    assert list(known.awaited_by(b"s")) == []


STEPS = st.lists(
    st.tuples(st.sampled_from(["keep", "drop", "wait", "waits"]), st.integers(1, 6)), max_size=20
)


@given(STEPS, STEPS)
def test_what_is_undone_never_happened(
    done: list[tuple[str, int]], undone: list[tuple[str, int]]
) -> None:
    journal = Journal()
    known = Invitations(journal)

    def play(steps: list[tuple[str, int]]) -> None:
        for what, ticket in steps:
            row = invitation(ticket, "ij"[ticket % 2], ("Ann", "Bob", "Eve")[ticket % 3])
            if what == "keep" and known.get(ticket) is None:
                known.keep(row)
            elif what == "drop" and known.get(ticket) is not None:
                known.drop(row)
            elif what == "wait" and ticket not in known._waiting:
                known.wait(ticket, b"ab"[ticket % 2 :], ticket)
            elif what == "waits":
                known.waits(ticket)

    def all_of_it() -> list[str]:
        indexes: tuple[dict[Any, Any], ...] = (
            known._rows,
            known._of,
            known._to,
            known._waiting,
            known._asked_by,
        )
        return [repr(sorted(index.items())) for index in indexes]

    play(done)
    before = all_of_it()
    mark = journal.mark()
    play(undone)
    journal.undo(mark)
    assert all_of_it() == before
