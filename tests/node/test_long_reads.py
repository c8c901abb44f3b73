from __future__ import annotations

from dataclasses import replace

import msgspec

from ixproxy.messages import EventInteractionsFound
from ixproxy.node.answers import encode_map
from ixproxy.node.expressions import compile_order
from ixproxy.node.long_reads import answer_of, response_of
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


def test_an_answer_ends_before_its_user_data_is_too_much_and_says_so() -> None:
    user_data = encode_map({"text": "x" * 100})
    size = len(user_data)
    rows = [msgspec.structs.replace(row, user_data=user_data) for row in ROWS]
    for most, ids in (
        (0, "abc"), (3 * size, "abc"), (3 * size - 1, "ab"), (2 * size, "ab"),
        (2 * size - 1, "a"), (1, "a"),
    ):  # fmt: skip
        limited = replace(plan(5).selection, most_bytes=most)
        answer = answer_of(msgspec.structs.replace(plan(5), selection=limited), rows)
        assert "".join(answer.interactions) == ids
        assert answer.have_more == (ids != "abc")


def test_a_response_to_a_call_shows_what_fits_one_frame_and_says_so() -> None:
    user_data = encode_map({"text": "x" * (300 << 10)})
    rows = [msgspec.structs.replace(row, user_data=user_data) for row in ROWS]
    called = msgspec.structs.replace(plan(5), envelope={"Method": "FindInteractions"})
    output = response_of(called, rows).envelope3rd_server["Parameters"]
    assert list(output["Interactions"]) == ["a"]
    assert (output["Count"], output["HaveMore"]) == (1, 1)
    whole = response_of(called, ROWS).envelope3rd_server
    assert whole["Method"] == "FindInteractions"
    assert list(whole["Parameters"]["Interactions"]) == ["a", "b", "c"]
    assert whole["Parameters"]["HaveMore"] == 0
