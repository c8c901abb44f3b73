from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.errors import Code, RemoteProtocolError, RequestRefused
from ixproxy.messages import (
    EventAck,
    EventAgentWorkbinStats,
    EventInteractionMoved,
    EventInteractionsFound,
    EventPulledInteractions,
    EventWorkbinTypesInfo,
    Message,
    RequestPull,
    RequestRegisterClient,
    RequestSubmit,
    ServerFacts,
)
from ixproxy.wire.codec import decode, encode
from ixproxy.wire.parts import (
    encode_parts,
    join,
    join_frames,
    merge_union,
    split,
    split_frame,
)
from ixproxy.wire.prefix import Flag, read_frame

ids = st.lists(st.text("ABC0123456789", min_size=1, max_size=16), unique=True, max_size=40)
texts = st.text(max_size=60)


def pulled(names: list[str], text: str) -> Message:
    return EventPulledInteractions(
        interactions={name: {"InteractionUserData": {"text": text}} for name in names},
        take_numbers={name: number for number, name in enumerate(names, 1)},
        sort_keys={name: name.encode() for name in names},
        errors={"missing": 43},
        next_sort_key=b"next",
        have_more=True,
        extension={"k": text},
    )


def registration(names: list[str], text: str) -> Message:
    return RequestRegisterClient(
        client_name=text or "x",
        client_type="AgentApplication",
        session=b"s" * 16,
        holding={name: number for number, name in enumerate(names)},
    )


def ack(names: list[str], text: str) -> Message:
    held = {name: number for number, name in enumerate(names)}
    return EventAck(proxy_client_id=3, server=ServerFacts(name=text), held=held)


def stats(names: list[str], text: str) -> Message:
    return EventAgentWorkbinStats(statistics={name: number for number, name in enumerate(names)})


def types(names: list[str], text: str) -> Message:
    return EventWorkbinTypesInfo(workbin_types={name: {"text": text} for name in names})


makers = st.sampled_from([pulled, registration, ack, stats, types])


@given(makers, ids, texts, st.integers(0, 4000))
def test_joined_parts_are_the_message_again(
    make: Callable[[list[str], str], Message], names: list[str], text: str, room: int
) -> None:
    message = make(names, text)
    try:
        parts = split(message, room)
    except RequestRefused as refused:
        assert refused.code == Code.TOO_LARGE  # noqa: PT017
        return
    assert join(parts) == message
    frames = [read_frame(encode(part)) for part in parts]
    assert all(len(frame.body) <= room for frame in frames) or len(parts) == 1


@given(makers, ids, texts, st.integers(300, 3000))
def test_frames_in_parts_keep_to_the_limit_and_join_to_the_message(
    make: Callable[[list[str], str], Message], names: list[str], text: str, limit: int
) -> None:
    message = make(names, text)
    try:
        raws = encode_parts(message, limit, client=5, reference=9, flags=Flag.PARTIAL)
    except RequestRefused:
        return
    frames = [read_frame(raw) for raw in raws]
    assert all(len(raw) - 4 <= limit for raw in raws)
    assert {(frame.client, frame.reference) for frame in frames} == {(5, 9)}
    assert [bool(frame.flags & Flag.MORE) for frame in frames] == [
        *[True] * (len(frames) - 1),
        False,
    ]
    assert all(frame.flags & Flag.PARTIAL for frame in frames)
    assert decode(read_frame(join_frames(raws))) == message
    assert join([decode(frame) for frame in frames]) == message


def test_a_smaller_hop_splits_the_parts_again_and_the_chain_of_more_holds() -> None:
    message = pulled([f"id{number:04}" for number in range(200)], "x" * 50)
    large = encode_parts(message, 6000, reference=1)
    small = [raw for part in large for raw in split_frame(part, 1000)]
    assert len(large) > 2
    assert all(len(raw) - 4 <= 1000 for raw in small)
    flags = [bool(read_frame(raw).flags & Flag.MORE) for raw in small]
    assert flags == [True] * (len(small) - 1) + [False]
    assert decode(read_frame(join_frames(small))) == message


def test_a_message_that_fits_is_one_frame() -> None:
    raw = encode(RequestPull(tenant_id=1, view_id="Q/V"))
    assert encode_parts(RequestPull(tenant_id=1, view_id="Q/V"), len(raw) - 4) == [raw]
    assert join_frames([raw]) is raw
    message = EventAck()
    assert split(message, 10_000) == [message]
    assert join([message]) is message


def test_the_strings_of_the_prefix_count_against_the_limit_and_stay_on_all_parts() -> None:
    held = {f"id{number:04}": number for number in range(60)}
    message = EventAck(interaction_id="i" * 200, held=held)
    raws = encode_parts(message, 400)
    assert len(raws) > 3
    assert all(len(raw) - 4 <= 400 for raw in raws)
    assert all(read_frame(raw).interaction == "i" * 200 for raw in raws)


def test_one_request_that_is_too_long_is_refused() -> None:
    with pytest.raises(RequestRefused, match="RequestSubmit") as refused:
        encode_parts(RequestSubmit(user_data={"k": "x" * 1000}), 500)
    assert refused.value.code == Code.TOO_LARGE
    assert not refused.value.in_doubt


def test_answers_of_several_nodes_become_one_in_their_order() -> None:
    merged, twice = merge_union(
        [
            EventInteractionsFound(interactions={"b": {"at": 1}, "a": {}}, have_more=False),
            EventInteractionsFound(interactions={}, have_more=True),
            EventInteractionsFound(interactions={"c": {}, "b": {"at": 3}}),
        ]
    )
    assert list(merged.interactions.items()) == [("b", {"at": 1}), ("a", {}), ("c", {})]
    assert merged.have_more is True
    assert twice == {"b"}


def test_counts_of_several_nodes_are_added() -> None:
    merged, twice = merge_union([EventInteractionMoved(number_of_interactions=n) for n in (1, 2)])
    assert merged == EventInteractionMoved(number_of_interactions=3)
    assert twice == frozenset()
    both, _ = merge_union(
        [EventAgentWorkbinStats(statistics={"a": 1}), EventAgentWorkbinStats(statistics={"a": 2})]
    )
    assert both.statistics == {"a": 3}


def test_an_id_that_fails_here_and_is_taken_there_is_not_twice() -> None:
    _, twice = merge_union(
        [
            EventPulledInteractions(interactions={"a": {}}),
            EventPulledInteractions(errors={"a": 43}),
        ]
    )
    assert twice == frozenset()


def test_parts_of_different_messages_are_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="part 2 is EventInteractionMoved") as refused:
        join([EventAck(), EventInteractionMoved()])
    assert refused.value.code == Code.BAD_FRAME
    raws = [encode(EventAck()), encode(EventInteractionMoved())]
    with pytest.raises(RemoteProtocolError, match="part 1 has name 1000, the last one 1010"):
        join_frames(raws)


def test_a_long_frame_of_an_unknown_message_cannot_be_split() -> None:
    raw = bytearray(encode(EventAck(held={"id": 1})))
    raw[6:8] = b"\xff\xff"
    with pytest.raises(RemoteProtocolError, match="name 65535 is not known"):
        split_frame(bytes(raw), 30)
