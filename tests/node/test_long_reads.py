from __future__ import annotations

from ixproxy.messages import EventInteractionsFound
from ixproxy.node.expressions import compile_order
from ixproxy.node.long_reads import answer_of
from ixproxy.node.properties import Properties
from ixproxy.node.rows import InteractionRow
from ixproxy.node.selections import Selection
from ixproxy.node.work import LongRead

ROWS = [InteractionRow(id=name, tenant_id=1, media_type="email", queue="Q") for name in "abc"]
ORDER = compile_order("InteractionId", Properties())


def plan(limit: int, *, keyed: bool = False) -> LongRead:
    selection = Selection(1, order=ORDER, limit=limit + 1)
    return LongRead(selection, EventInteractionsFound, limit, 5.0, keyed)


def test_an_answer_shows_no_more_than_its_limit_and_says_so() -> None:
    answer = answer_of(plan(2), ROWS)
    assert list(answer.interactions) == ["a", "b"]
    assert answer.have_more
    assert answer_of(plan(3), ROWS).have_more is False
    assert answer_of(plan(3), []) == EventInteractionsFound()


def test_sort_keys_stand_only_where_an_order_was_asked_for() -> None:
    assert answer_of(plan(3), ROWS).sort_keys == {}
    keys = answer_of(plan(2, keyed=True), ROWS).sort_keys
    assert list(keys) == ["a", "b"]
    assert keys["a"] < keys["b"]
