from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ixproxy.core.clients import Client, Peer
from ixproxy.core.destinations import Outputs
from ixproxy.core.workbin_listeners import Key, Listened, WorkbinListeners
from ixproxy.messages import (
    RequestRegisterClient,
    RequestWorkbinCancelNotifications,
    RequestWorkbinNotifications,
    Workbin,
)
from ixproxy.values import NodeName
from ixproxy.wire.workbins import Wishes, wishes_of

KEY = Key(1, Workbin(workbin_type_id="Drafts", workbin_agent_id="Ann"))
OTHER = Key(1, Workbin(workbin_type_id="Drafts", workbin_agent_id="Bob"))
EAST = NodeName("east")
PLAIN, CHANGES, STOPS = Wishes(), Wishes(properties=True), Wishes(stops=True)
PEER = Peer(1, Outputs())


def client(name: str) -> Client:
    registration = RequestRegisterClient(client_name=name, client_type="AgentApplication")
    return Client(PEER, 0, registration, frozenset())


FIRST, SECOND = client("first"), client("second")


def test_nodes_are_told_the_wishes_of_all_together_and_then_the_end() -> None:
    listened = Listened(KEY)
    assert listened.tell(EAST) is None
    listened.put(FIRST, CHANGES)
    listened.more = STOPS
    request = listened.tell(EAST)
    assert isinstance(request, RequestWorkbinNotifications)
    assert (request.tenant_id, request.workbin) == KEY
    assert wishes_of(request) == Wishes(properties=True, stops=True)
    assert listened.tell(EAST) is None
    listened.more = None
    request = listened.tell(EAST)
    assert isinstance(request, RequestWorkbinNotifications)
    assert wishes_of(request) == CHANGES
    listened.take(FIRST)
    assert not listened.idle
    assert isinstance(listened.tell(EAST), RequestWorkbinCancelNotifications)
    assert listened.tell(EAST) is None
    assert listened.idle


def test_a_node_of_which_it_is_not_known_is_told_whatever_is_wanted() -> None:
    listened = Listened(KEY)
    listened.told[EAST] = None
    assert isinstance(listened.tell(EAST), RequestWorkbinCancelNotifications)
    listened.put(FIRST, PLAIN)
    listened.tell(EAST)
    listened.told[EAST] = None
    assert isinstance(listened.tell(EAST), RequestWorkbinNotifications)


def test_what_nobody_listens_to_is_forgotten() -> None:
    listeners = WorkbinListeners()
    listeners.put(FIRST, KEY, PLAIN)
    listeners.put(FIRST, KEY, STOPS)
    listeners.put(FIRST, OTHER, PLAIN)
    listeners.put(SECOND, KEY, PLAIN)
    assert (listeners.number, len(listeners)) == (3, 2)
    for each in (FIRST, SECOND):
        for key in listeners.of(each):
            listeners.take(each, key)
            listeners.take(each, key)
            listeners.tidy(listeners.at(key))
    assert (listeners.number, len(listeners), list(listeners)) == (0, 0, [])
    assert listeners.get(KEY) is None


STEPS = st.lists(
    st.tuples(
        st.sampled_from([FIRST, SECOND]),
        st.none() | st.builds(Wishes, st.booleans(), st.booleans()),
    ),
    max_size=12,
)


@given(STEPS)
def test_what_is_wanted_is_what_anybody_wishes(
    steps: list[tuple[Client, Wishes | None]],
) -> None:
    listened, wishes = Listened(KEY), dict[Client, Wishes]()
    for who, wish in steps:
        if wish is None:
            listened.take(who)
            wishes.pop(who, None)
        else:
            listened.put(who, wish)
            wishes[who] = wish
        expected = None
        for each in wishes.values():
            expected = each if expected is None else expected.joined(each)
        assert listened.wanted == expected
        assert dict(listened.items()) == wishes
        assert (FIRST in listened) == (FIRST in wishes)
