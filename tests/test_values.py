from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.values import (
    INTERACTION_ID_LENGTH,
    MAX_COUNTER,
    MAX_DBID,
    MAX_EPOCH,
    Ask,
    ClientType,
    Draft,
    InteractionState,
    NodeFacts,
    NodeLoad,
    NodeName,
    NodeView,
    PartyType,
    PullAttributes,
    Server,
    Stamp,
    TenantFacts,
    base36,
    id_origin,
    interaction_id,
    rendezvous,
    through,
)

NAMES = [NodeName(f"ixn{number}") for number in range(1, 5)]


@given(st.integers(1, MAX_DBID), st.integers(0, MAX_EPOCH), st.integers(0, MAX_COUNTER))
def test_an_id_names_the_node_it_comes_from(dbid: int, epoch: int, counter: int) -> None:
    identifier = interaction_id(dbid, epoch, counter)
    assert len(identifier) == INTERACTION_ID_LENGTH == 16
    assert id_origin(identifier) == dbid
    parts = identifier[:6], identifier[6:10], identifier[10:]
    assert tuple(int(part, 36) for part in parts) == (dbid, epoch, counter)


def test_ids_of_one_node_sort_in_the_order_they_were_made() -> None:
    made = [interaction_id(101, *divmod(number, 40)) for number in range(200)]
    assert made == sorted(made)
    assert interaction_id(101, 3, 35) == "00002T000300000Z"


@pytest.mark.parametrize(
    "identifier",
    [
        "",
        "short",
        "0" * 16,  # no node has dbid 0
        "00002t000300000Z",  # lower case
        "-0002T000300000Z",
        "00002T000300000Z0",
        "é0002T000300000Z",
        "   101000300000Z",
    ],
)
def test_an_id_that_a_client_made_up_names_no_node(identifier: str) -> None:
    assert id_origin(identifier) is None


@pytest.mark.parametrize(
    ("dbid", "epoch", "counter"), [(MAX_DBID + 1, 0, 0), (1, MAX_EPOCH + 1, 0), (1, 0, 36**6)]
)
def test_a_part_that_does_not_fit_is_no_id(dbid: int, epoch: int, counter: int) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        interaction_id(dbid, epoch, counter)


def test_base_36_is_padded_and_in_upper_case() -> None:
    assert base36(0, 3) == "000"
    assert base36(35, 2) == "0Z"
    assert base36(36**2 - 1, 2) == "ZZ"
    with pytest.raises(ValueError, match="2 base-36 digits"):
        base36(36**2, 2)
    with pytest.raises(ValueError, match="2 base-36 digits"):
        base36(-1, 2)


@given(st.text(max_size=20), st.permutations(NAMES))
def test_rendezvous_does_not_depend_on_the_order_of_names(key: str, names: list[NodeName]) -> None:
    assert rendezvous(key, names) == rendezvous(key, NAMES)
    assert sorted(rendezvous(key, names)) == sorted(NAMES)


@given(st.text(max_size=20), st.sampled_from(NAMES))
def test_a_node_that_goes_changes_nothing_among_the_others(key: str, gone: NodeName) -> None:
    remaining = [name for name in NAMES if name != gone]
    assert rendezvous(key, remaining) == [name for name in rendezvous(key, NAMES) if name != gone]


def test_rendezvous_gives_every_node_its_share() -> None:
    homes = Counter(rendezvous(f"agent{number}", NAMES)[0] for number in range(2000))
    assert set(homes) == set(NAMES)
    assert max(homes.values()) < 2 * min(homes.values())


def test_rendezvous_is_alike_in_every_process_and_version() -> None:
    assert rendezvous("anna", NAMES) == ["ixn1", "ixn3", "ixn4", "ixn2"]
    program = (
        "from ixproxy.values import rendezvous;"
        "print(*rendezvous('anna', ['ixn1', 'ixn2', 'ixn3', 'ixn4']))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert printed.stdout.split() == rendezvous("anna", NAMES)


def test_a_newer_stamp_is_greater_and_dbids_settle_a_tie() -> None:
    assert Stamp(2, 1) > Stamp(1, 9)
    assert Stamp(2, 3) > Stamp(2, 1)


def test_the_backlog_of_a_node_is_all_that_is_queued() -> None:
    assert NodeLoad(queues={"a": 3, "b": 4}, views={"a/all": 3}).backlog == 7
    assert NodeLoad().backlog == 0


def test_values_that_others_share_cannot_be_changed() -> None:
    values: list[Any] = [
        TenantFacts(1, "Environment", {"email": True}),
        NodeFacts(NAMES[0], 101, frozenset({1})),
        NodeLoad(),
        NodeView(NAMES[0], 101),
        Draft(1, "email"),
        PullAttributes(1, "Q/V", 1, False, 10.0),
        Ask(NAMES[0]),
    ]
    for value in values:
        with pytest.raises((FrozenInstanceError, AttributeError)):
            setattr(value, fields(value)[0].name, None)


def test_public_numbers_of_states_and_parties_stay() -> None:
    assert [state.name for state in sorted(InteractionState)] == [
        "QUEUED",
        "CACHED",
        "ROUTING",
        "HANDLING",
    ]
    assert int(PartyType.AGENT) == 2
    assert ClientType("Proxy") is ClientType.PROXY


def test_a_client_is_named_with_the_proxies_on_its_way() -> None:
    assert through("mail-1", []) == "mail-1"
    assert through("mail-1", ["edge1", "proxy1"]) == "mail-1 through edge1, proxy1"
    assert through("edge1", ["edge1"]) == "edge1", "a proxy does not come through itself"
    assert through("edge1", ["edge1", "proxy1"]) == "edge1 through proxy1"


def test_an_upstream_without_a_database_id_is_proxies_with_all_their_servers() -> None:
    one, spare, two = Server("p1", "a"), Server("p1-b", "b"), Server("p2", "c")
    proxies = NodeFacts(NodeName("proxies"), 0, frozenset({1}), pairs=((one, spare), (two,)))
    assert proxies.is_proxy
    assert proxies.servers == (one, spare, two)
    node = NodeFacts(NodeName("ixn1"), 101, frozenset({1}), pairs=((one,),))
    assert not node.is_proxy
