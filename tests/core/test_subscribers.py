"""One stream for all that want the same: what it costs, and what does not fit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ixproxy import messages as m
from ixproxy.core.clients import Peer
from ixproxy.core.subscribers import CHUNK, Stream
from ixproxy.wire.codec import encode
from ixproxy.wire.streams import StreamFilter, StreamKey
from tests.core.reporting import ALL, ANNA, Reporting, submitted
from tests.core.rig import EAST, TENANT, Rig, apart, only

SHORT = 128 << 10
LONG = {"UserData": {"Text": "x" * SHORT}, "Queue": "In"}


def stream_to(*longest: int) -> tuple[Rig, Stream, list[Peer]]:
    """A stream and peers that read it, by the longest frames that they take."""
    rig = Rig(link=False)
    stream = Stream(rig.core.state, StreamKey(frozenset({StreamFilter(frozenset({TENANT}))})), 0)
    peers = [rig.core.peer_connected(number, 0.0) for number in range(len(longest))]
    for peer, size in zip(peers, longest, strict=True):
        peer.max_frame = size
        stream.add(peer)
    return rig, stream, peers


def entries(rig: Rig) -> dict[int, list[bytes]]:
    """What was put out, by peer."""
    found: dict[int, list[bytes]] = {}
    for raw, many in rig.core.take_shared():
        for to in many:
            assert isinstance(to, Peer)
            found.setdefault(to.id, []).append(raw)
    for to in rig.core.take_outputs():
        assert isinstance(to, Peer)
        found.setdefault(to.id, []).extend(to.take())
    return found


@given(st.lists(st.integers(1, 5), max_size=8), st.integers(1, 4))
def test_everybody_gets_everything_once_and_as_the_same_bytes(
    bursts: list[int], readers: int
) -> None:
    rig, stream, _ = stream_to(*[1 << 20] * readers)
    number = 0
    for burst in bursts:
        for _ in range(burst):
            number += 1
            stream.gather(submitted(f"i{number}"), number)
        stream.hand_on()
        stream.hand_on()
    found = entries(rig)
    expected = [
        encode(submitted(f"i{each}", reporting_event_sequence_number=each))
        for each in range(1, number + 1)
    ]
    for got in found.values():
        assert [raw for entry in got for raw in apart(entry)] == expected
        assert [id(entry) for entry in got] == [id(entry) for entry in found[0]]
        assert len(got) == len(bursts), "what happened together goes together"


def test_an_event_that_a_hop_does_not_take_is_shortened_for_it_alone_and_in_its_place() -> None:
    rig, stream, _ = stream_to(1 << 20, SHORT)
    stream.gather(submitted("one"), 1)
    stream.gather(submitted("two", interaction=LONG), 2)
    stream.gather(submitted("three"), 3)
    stream.hand_on()
    found = entries(rig)
    sizes = {
        peer: [len(raw) for entry in got for raw in apart(entry)] for peer, got in found.items()
    }
    assert sizes[0][1] > SHORT > sizes[1][1]
    assert [len(each) for each in sizes.values()] == [3, 3]


def test_what_does_not_fit_even_so_is_counted() -> None:
    rig, stream, _ = stream_to(100)
    stream.gather(submitted("one", interaction={"Queue": "q" * 200}), 1)
    assert not entries(rig)
    assert rig.core.state.counters["events too long"] == 1


def test_a_long_initial_state_goes_in_pieces_and_is_made_once_until_something_happens() -> None:
    rig = Reporting()
    states = [
        m.EventPlaceAgentState(
            tenant_id=TENANT, agent_id=f"a{number}", agent_session=(number + 1, 101),
            place_id="x" * 200,
        )
        for number in range(1000)
    ]  # fmt: skip
    keeper = rig.reporting(*states)
    made = []
    for _ in range(2):
        peer = rig.reporter()
        rig.core.frames_received(peer, [encode(ALL, reference=900 + peer)], rig.now)
        output = only(rig.core.take_outputs())
        _, *chunks = output.take()
        assert output.extra == sum(map(len, chunks)), "it may wait on top of the limit"
        assert all(len(chunk) < CHUNK + 1000 for chunk in chunks)
        assert len(b"".join(chunks)) > 3 * CHUNK
        made.append(chunks)
    assert [id(chunk) for chunk in made[0]] == [id(chunk) for chunk in made[1]]
    rig.happen(EAST, submitted("one"))
    rig.got(keeper)
    peer = rig.reporter()
    rig.ask(peer, ALL)
    begin = rig.got(peer)[1]
    assert (begin.reporting_event_sequence_number, begin.number_of_agents) == (1, 1000)


HERS = {"Queue": "In", "AgentId": "anna", "PlaceId": "desk"}


@pytest.mark.parametrize(
    ("interactions", "shown"),
    [
        ({"i": HERS}, {"i": HERS}),
        ({"i": {**HERS, "UserData": {"Text": "x" * SHORT}}}, {"i": HERS}),
        ({"i": {"Queue": "x" * SHORT}}, {"i": {}}),
        ({f"{number:0200}": {} for number in range(1000)}, {}),
    ],
)
def test_a_state_for_which_there_is_no_room_is_shown_with_ever_fewer_details(
    interactions: dict[str, Any], shown: dict[str, Any]
) -> None:
    rig = Reporting()
    rig.reporting(replace(ANNA, interactions=interactions))
    peer = rig.reporter(max_frame=SHORT)
    rig.ask(peer, ALL)
    _, begin, state, _ = rig.got(peer)
    assert begin.number_of_agents == 1
    assert state.interactions == shown
    assert state.extension == ({} if interactions == shown else {"Shortened": 1})


def test_a_stream_about_some_media_types_begins_with_what_is_about_them() -> None:
    rig = Reporting()
    held = {"i": {"MediaType": "email"}, "j": {"MediaType": "chat"}}
    rig.reporting(replace(ANNA, media_list={"email": 1, "chat": 0}, interactions=held))
    peer = rig.reporter()
    rig.ask(peer, type(ALL)(filter={"MediaTypes": {"chat": 1}}))
    state = rig.got(peer)[2]
    assert state.media_list == {"chat": 0}
    assert list(state.interactions) == list(state.parties) == ["j"]
