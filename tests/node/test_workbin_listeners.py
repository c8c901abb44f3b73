from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ixproxy.node.journal import Journal
from ixproxy.node.rows import InteractionRow
from ixproxy.node.workbin_listeners import WorkbinKey, WorkbinListeners, key_of
from ixproxy.wire.workbins import PROPERTIES_CHANGED, STOPPED, TAKEN_OUT, Wishes

ROW = InteractionRow(
    id="a", tenant_id=1, media_type="email", queue="workbin:Drafts", workbin_type="Drafts",
    workbin_agent="Ann",
)  # fmt: skip
DRAFTS = key_of(ROW)
OTHER = DRAFTS._replace(agent="Bob")
FIRST, SECOND = b"first", b"second"


def told(listeners: WorkbinListeners, operation: str = TAKEN_OUT) -> list[bytes]:
    return list(listeners.told(ROW, operation))


def test_the_key_of_an_interaction_is_that_of_its_workbin() -> None:
    assert WorkbinKey(1, "Drafts", "Ann", None, None, None) == DRAFTS


def test_everybody_who_listens_is_told_what_they_wished_for() -> None:
    listeners = WorkbinListeners(Journal())
    listeners.listen(FIRST, DRAFTS, Wishes())
    listeners.listen(SECOND, DRAFTS, Wishes(properties=True))
    listeners.listen(SECOND, OTHER, Wishes(stops=True))
    assert told(listeners) == [FIRST, SECOND]
    assert told(listeners, PROPERTIES_CHANGED) == [SECOND]
    assert told(listeners, STOPPED) == []
    listeners.listen(SECOND, DRAFTS, Wishes(stops=True))
    assert told(listeners, PROPERTIES_CHANGED) == [], "the last wishes count"
    assert told(listeners, STOPPED) == [SECOND]


def test_what_nobody_listens_to_is_not_kept() -> None:
    listeners = WorkbinListeners(Journal())
    assert told(listeners) == []
    listeners.listen(FIRST, DRAFTS, Wishes())
    listeners.listen(FIRST, OTHER, Wishes())
    assert (len(listeners), listeners.number_of(FIRST)) == (2, 2)
    listeners.listen_no_more(FIRST, DRAFTS)
    listeners.listen_no_more(FIRST, DRAFTS)
    assert not listeners.hears(FIRST, DRAFTS)
    assert listeners.hears(FIRST, OTHER)
    listeners.listen_to_nothing(FIRST)
    listeners.listen_to_nothing(SECOND)
    assert (len(listeners), listeners.number_of(FIRST)) == (0, 0)


def parts(listeners: WorkbinListeners) -> tuple[object, ...]:
    keys, sessions = (DRAFTS, OTHER), (FIRST, SECOND)
    return (
        len(listeners),
        {operation: sorted(told(listeners, operation)) for operation in (TAKEN_OUT, STOPPED)},
        [listeners.number_of(session) for session in sessions],
        [listeners.hears(session, key) for session in sessions for key in keys],
    )


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["listen", "no more", "nothing"]),
        st.sampled_from([FIRST, SECOND]),
        st.sampled_from([DRAFTS, OTHER]),
        st.builds(Wishes, st.booleans(), st.booleans()),
    ),
    max_size=8,
)
Steps = list[tuple[str, bytes, WorkbinKey, Wishes]]


def take(listeners: WorkbinListeners, steps: Steps) -> None:
    for what, session, key, wishes in steps:
        if what == "listen":
            listeners.listen(session, key, wishes)
        elif what == "no more":
            listeners.listen_no_more(session, key)
        else:
            listeners.listen_to_nothing(session)


@given(STEPS, STEPS)
def test_what_is_undone_was_not(before: Steps, undone: Steps) -> None:
    journal = Journal()
    listeners = WorkbinListeners(journal)
    take(listeners, before)
    found, mark = parts(listeners), journal.mark()
    take(listeners, undone)
    journal.undo(mark)
    assert parts(listeners) == found
