"""What is kept of an agent session."""

from __future__ import annotations

import msgspec

from ixproxy.eventlog.merging.agent_records import MOST_ACTS, Act, Channel, Held, Session

NEAR = 300.0


def act(number: int) -> Act:
    ready = number % 2
    return Act("Ready" if ready else "Not", "", str(ready), float(number), {1: float(number)})


def channel(acts: int) -> Channel:
    made = Channel("0", "0")
    for number in range(1, acts + 1):
        made.append(1, act(number), float(number), NEAR)
    return made


def test_a_node_finds_each_act_once_and_in_order() -> None:
    made = channel(3)
    assert made.find(2, "Ready", "", 1.0, NEAR) is made.acts[0]
    assert made.find(2, "Ready", "", 1.0, NEAR) is made.acts[2]
    assert made.find(2, "Not", "", 2.0, NEAR) is None
    assert made.find(3, "Not", "", 2.0, NEAR) is made.acts[1]


def test_the_node_that_told_of_an_act_does_not_find_it() -> None:
    assert channel(3).find(1, "Ready", "", 1.0, NEAR) is None


def test_an_act_of_another_reason_or_time_is_another() -> None:
    made = channel(1)
    assert made.find(2, "Ready", "why", 1.0, NEAR) is None
    assert made.find(2, "Ready", "", 1.1 + NEAR, NEAR) is None


def test_acts_that_no_copy_can_be_of_any_more_are_forgotten() -> None:
    made = channel(MOST_ACTS + 50)
    assert len(made.acts) == MOST_ACTS
    assert made.acts[0].time == 51.0
    assert made.first == 50
    assert made.before == "0"
    assert made.find(2, "Ready", "", 51.0, NEAR) is made.acts[0]
    made.append(1, act(1000), 1000.0, NEAR)
    assert [each.time for each in made.acts] == [1000.0]
    assert made.find(2, "Not", "", 1000.0, NEAR) is made.acts[0]


def test_a_node_that_joins_goes_on_from_the_state_that_it_names() -> None:
    made = channel(3)
    made.joined(2, "1", 2.0, NEAR)
    assert made.find(2, "Ready", "", 3.0, NEAR) is made.acts[2]
    made.joined(3, "?", 2.0, NEAR)
    assert made.find(3, "Ready", "", 1.0, NEAR) is made.acts[0]


def test_a_node_that_joins_long_after_goes_on_from_the_end() -> None:
    made = channel(4)
    made.joined(2, "0", 1000.0, NEAR)
    assert made.find(2, "Ready", "", 1.0, NEAR) is None


def test_a_session_is_the_same_when_it_was_kept() -> None:
    session = Session(
        "1.1", True, 1, "anna", "p1", 10.0, nodes={1: 10.0}, channels={"mchat": channel(3)},
        logout=Held([1, None, "text", 2.5], 11.0, False), deadline=311.00000001,
    )  # fmt: skip
    kept = msgspec.json.decode(msgspec.json.encode(session), type=Session)
    assert kept == session
