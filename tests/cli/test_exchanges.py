from __future__ import annotations

import pytest

from ixproxy.cli.decode import decode_capture
from ixproxy.cli.exchanges import EXCHANGES, FROM_SERVER, TO_SERVER, Exchange
from ixproxy.errors import RemoteProtocolError
from ixproxy.messages import EventInteractionsFound
from ixproxy.wire.codec import decode
from ixproxy.wire.frames import FrameReader
from ixproxy.wire.names import Kind
from ixproxy.wire.parts import join_frames
from ixproxy.wire.prefix import MAGIC, Flag, read_frame
from tests.wire.recorded import records

each = pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange.name)
TO = {Kind.REQUEST, Kind.CANCEL}
FROM = {Kind.REPLY, Kind.ERROR, Kind.EVENT}


@each
def test_an_exchange_is_recorded_byte_by_byte(exchange: Exchange) -> None:
    recorded = [record.raw for record in records() if record.file == f"exchange-{exchange.name}"]
    assert recorded == [step.raw for step in exchange.steps if step.raw[4] == MAGIC]


@each
def test_frames_go_the_way_that_their_kind_goes(exchange: Exchange) -> None:
    for step in exchange.steps:
        if step.raw[4] != MAGIC:
            assert step.direction == TO_SERVER
            continue
        kind = Kind(read_frame(step.raw).kind)
        assert kind not in (TO if step.direction == FROM_SERVER else FROM)


@each
def test_every_request_has_one_answer_at_its_end(exchange: Exchange) -> None:
    waiting: dict[int, int] = {}
    for step in exchange.steps:
        if step.raw[4] != MAGIC:
            continue
        frame = read_frame(step.raw)
        if frame.kind == Kind.REQUEST:
            assert waiting.pop(frame.reference, 0) == 0
            waiting[frame.reference] = 1
        elif frame.kind in FROM and frame.reference and not frame.flags & Flag.MORE:
            waiting[frame.reference] -= 1
    assert set(waiting.values()) <= {0}


def test_the_parts_of_the_example_make_one_answer() -> None:
    exchange = next(exchange for exchange in EXCHANGES if exchange.name == "parts")
    parts = [step.raw for step in exchange.steps if step.direction == FROM_SERVER]
    assert len(parts) == 2
    assert all(len(raw) - 4 <= 240 for raw in parts)
    answer = decode(read_frame(join_frames(parts)))
    assert isinstance(answer, EventInteractionsFound)
    assert len(answer.interactions) == 2
    assert answer.have_more


def test_the_wrong_version_of_the_example_is_answered_as_a_reader_answers_it() -> None:
    exchange = next(exchange for exchange in EXCHANGES if exchange.name == "wrong-version")
    asked, answered = exchange.steps
    with pytest.raises(RemoteProtocolError) as refused:
        FrameReader().feed(asked.raw)
    frame = read_frame(answered.raw)
    assert (frame.client, frame.reference) == (0, 0)
    error = decode(frame)
    assert getattr(error, "error_code", 0) == refused.value.code
    assert getattr(error, "error_description", "") == refused.value.description


def test_all_exchanges_can_be_decoded() -> None:
    for exchange in EXCHANGES:
        text = "\n".join(f"{step.direction} {step.raw.hex()}" for step in exchange.steps)
        told = list(decode_capture(text.encode()))
        assert [record for record in told if "error" in record] == [] or (
            exchange.name == "wrong-version"
        )
