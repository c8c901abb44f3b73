from __future__ import annotations

from ixproxy import messages as m
from ixproxy.messages.message import Reason
from ixproxy.testing.normal_form import NormalForm

ID = "00002T0001000001"


def test_ids_become_labels_wherever_they_stand() -> None:
    normal = NormalForm({ID: "<L1>"})
    pulled = m.EventPulledInteractions(
        interactions={ID: {"InteractionId": ID, "UserData": {"parent": ID}}},
        take_numbers={ID: 77},
        sort_keys={ID: b"x"},
        errors={"other": 43},
    )
    assert normal.of(pulled) == {
        "": "EventPulledInteractions",
        "Interactions": {"<L1>": {"InteractionId": "<L1>", "UserData": {"parent": "<L1>"}}},
        "TakeNumbers": {"<L1>": True},
        "SortKeys": {"<L1>": True},
        "Errors": {"other": 43},
    }
    assert normal.text(f"'{ID}': unknown") == "'<L1>': unknown"


def test_what_differs_by_nature_is_dropped_or_only_marked() -> None:
    normal = NormalForm({})
    event = m.EventRevoked(
        event_time=1.5,
        event_number=9,
        dbid=101,
        interaction_id="A",
        reason=Reason(reason=3),
        interaction={"PlaceInQueueSeq": 4, "SubmittedAt": 12.5, "HeldAt": 0.0, "Priority": 3},
    )
    assert normal.of(event) == {
        "": "EventRevoked",
        "InteractionId": "A",
        "Reason": {"Reason": 3},
        "Interaction": {"SubmittedAt": True, "HeldAt": False, "Priority": 3},
    }
    assert normal.of(m.EventAck(take_number=8)) == {"": "EventAck", "TakeNumber": True}


def test_agent_sessions_are_named_by_their_first_appearance() -> None:
    one, other = NormalForm({}), NormalForm({})
    first = [one.of(m.EventAck(agent_session=stamp)) for stamp in ((5, 1), (6, 1), (5, 1))]
    second = [other.of(m.EventAck(agent_session=stamp)) for stamp in ((9, 2), (3, 8), (9, 2))]
    assert first == second
    assert first[0] == {"": "EventAck", "AgentSession": "session 1"}


def test_bytes_in_user_data_stay_what_they_are() -> None:
    answer = m.EventInteractionProperties(interaction={"UserData": {"raw": b"\x00\xff"}})
    assert NormalForm({}).of(answer)["Interaction"]["UserData"]["raw"] == b"\x00\xff"
