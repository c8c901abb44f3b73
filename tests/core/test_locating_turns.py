"""Each client asks for some owners at a time, and the rest in order."""

from __future__ import annotations

from ixproxy.core.clients import Client, Peer
from ixproxy.core.destinations import Outputs
from ixproxy.core.locating_turns import AT_ONCE, Turns
from ixproxy.messages import RequestRegisterClient


def client(client_type: str = "MediaServer") -> Client:
    registration = RequestRegisterClient(client_name="c", client_type=client_type)
    return Client(Peer(1, Outputs()), 0, registration, frozenset())


class Question:
    def __init__(self, turns: Turns, client: Client, *, over_at_once: bool = False) -> None:
        self.turns = turns
        self.client = client
        self.over_at_once = over_at_once
        self.begun = False

    def start(self) -> None:
        self.begun = True
        if self.over_at_once:
            self.turns.ended(self.client)


def begun(questions: list[Question]) -> int:
    """How many were begun; always the first ones."""
    number = sum(question.begun for question in questions)
    assert [question.begun for question in questions] == [
        at < number for at in range(len(questions))
    ]
    return number


def test_so_many_are_asked_at_once_and_one_more_for_each_that_is_over() -> None:
    turns, one = Turns(), client()
    questions = [Question(turns, one) for _ in range(AT_ONCE + 3)]
    for question in questions:
        turns.begin(question)
    assert begun(questions) == AT_ONCE
    turns.ended(one)
    assert begun(questions) == AT_ONCE + 1
    other = Question(turns, client())
    turns.begin(other)
    assert other.begun, "others do not wait for that client"
    for _ in range(AT_ONCE + 2):
        turns.ended(one)
    assert begun(questions) == AT_ONCE + 3
    assert turns.waiting == {}


def test_ten_thousand_that_are_over_at_once_need_no_recursion() -> None:
    turns, one = Turns(), client()
    first = [Question(turns, one) for _ in range(AT_ONCE)]
    rest = [Question(turns, one, over_at_once=True) for _ in range(10_000)]
    for question in (*first, *rest):
        turns.begin(question)
    assert begun(rest) == 0
    turns.ended(one)
    assert begun(rest) == 10_000
    assert turns.waiting == {}


def test_one_that_nobody_wants_any_more_is_not_asked() -> None:
    turns, one = Turns(), client()
    questions = [Question(turns, one) for _ in range(AT_ONCE + 2)]
    for question in questions:
        turns.begin(question)
    assert turns.drop(questions[AT_ONCE])
    assert not turns.drop(questions[0]), "that one is being asked"
    turns.ended(one)
    assert not questions[AT_ONCE].begun
    assert questions[AT_ONCE + 1].begun


def test_a_downstream_proxy_asks_for_many_and_does_not_wait() -> None:
    turns, proxy = Turns(), client("Proxy")
    questions = [Question(turns, proxy) for _ in range(3 * AT_ONCE)]
    for question in questions:
        turns.begin(question)
    assert begun(questions) == 3 * AT_ONCE
