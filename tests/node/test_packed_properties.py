"""Properties that are only encoded are the same as those that are told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.node.answers import decoded, encode_map, interaction_properties
from ixproxy.node.packed_properties import PROPERTIES, all_of, packer
from ixproxy.node.properties import SYSTEM_PROPERTIES, Kind
from ixproxy.node.rows import InteractionRow, PartyRow
from ixproxy.values import PartyType

SOME: dict[Kind, Any] = {
    Kind.NUMBER: st.integers(0, 5),
    Kind.STRING: st.sampled_from(["", "x"]),
    Kind.TIMESTAMP: st.floats(0, 10),
    Kind.BLOB: st.sampled_from([b"", encode_map({"q": 1})]),
}
COLUMNS = {known.column: SOME[known.kind] for known in SYSTEM_PROPERTIES}
ROWS = st.builds(
    InteractionRow, **COLUMNS, user_data=st.sampled_from([b"", encode_map({"a": [1, {}]})])
)
PARTIES = st.builds(
    PartyRow,
    interaction_id=st.just("i"),
    session=st.just(b"s"),
    tenant_id=st.just(1),
    party_type=st.sampled_from(PartyType),
    take_number=st.just(1),
    joined_at=st.just(1.0),
    agent_id=st.sampled_from(["Ann", "Bob"]),
    place_id=st.just("P"),
    strategy_id=st.just("sort"),
)


@given(
    ROWS,
    st.none() | PARTIES,
    st.none() | st.frozensets(st.sampled_from(sorted(PROPERTIES)), max_size=12),
)
def test_what_is_needed_is_packed_as_it_would_be_told(
    row: InteractionRow, party: PartyRow | None, needed: frozenset[str] | None
) -> None:
    told = interaction_properties(row, party)
    packed = decoded(encode_map(packer(needed).pack(row, party)))
    assert {name: value for name, value in packed.items() if value != "" or name in told} == {
        name: value for name, value in told.items() if needed is None or name in needed
    }


@pytest.mark.parametrize("name", sorted(PROPERTIES))
def test_one_property_may_be_enough(name: str) -> None:
    kinds = {Kind.NUMBER: 1, Kind.STRING: "x", Kind.TIMESTAMP: 5.0, Kind.BLOB: encode_map({"q": 1})}
    row = InteractionRow(
        **{known.column: kinds[known.kind] for known in SYSTEM_PROPERTIES},  # type: ignore[arg-type]
        user_data=encode_map({"a": 1}),
    )
    party = PartyRow(
        interaction_id="i", session=b"s", tenant_id=1, take_number=1, joined_at=0.0,
        party_type=PartyType.ROUTER if name == "StrategyId" else PartyType.AGENT,
        agent_id="Ann", place_id="P", strategy_id="sort",
    )  # fmt: skip
    assert decoded(encode_map(packer(frozenset({name})).pack(row, party))).keys() == {name}


def test_logs_need_together_what_each_needs() -> None:
    a, b = frozenset({"a"}), frozenset({"b"})
    assert all_of([]) == frozenset()
    assert all_of([a, b]) == a | b
    assert all_of([a, None]) is None
