"""No frame, from either side, shakes a whole proxy."""

from __future__ import annotations

import gc
import tracemalloc
from collections import Counter

import pytest

from ixproxy.core.answers import Answers
from ixproxy.core.leaving import Leaving
from ixproxy.core.state import ProxyState
from ixproxy.errors import Code
from ixproxy.testing.fuzz_proxy import (
    SETTINGS,
    Report,
    fuzz_proxy_by_clients,
    fuzz_proxy_by_nodes,
)
from tests.wire.recorded import frames

RECORDED = frames()
SEEDS = range(10)
EACH = 1000

# What a peer hears of bytes and attributes, whoever finds the fault: the wire or the proxy.
BAD_BYTES_AND_ATTRIBUTES = {
    Code.UNSUPPORTED_OPERATION, Code.NO_SERVERS, Code.NOT_ACCESSIBLE, Code.TOO_LARGE,
    Code.BAD_FRAME, Code.BAD_ATTRIBUTE, Code.NOT_ALLOWED, Code.SUPERSEDED,
    Code.NOT_REGISTERED, Code.INVALID_CLIENT, Code.UNSUPPORTED_VERSION, Code.LIMIT_REACHED,
}  # fmt: skip


def flawless(report: Report) -> Report:
    assert report.failures == []
    assert report.wrong == []
    assert report.left == {}
    return report


# 10,000 from each side, in pieces so that a failure says which seed to run again.
@pytest.mark.parametrize("fast_path", [True, False])
@pytest.mark.parametrize("seed", SEEDS[:5])
def test_whatever_clients_send_each_request_has_one_answer(seed: int, fast_path: bool) -> None:
    report = flawless(fuzz_proxy_by_clients(seed, EACH, RECORDED, fast_path=fast_path))
    assert report.frames == EACH
    assert report.damaging > EACH / 20
    assert report.answered > EACH / 2


@pytest.mark.parametrize("fast_path", [True, False])
@pytest.mark.parametrize("seed", SEEDS[5:])
def test_whatever_nodes_say_each_request_has_one_answer(seed: int, fast_path: bool) -> None:
    report = flawless(fuzz_proxy_by_nodes(seed, EACH, RECORDED, fast_path=fast_path))
    assert report.frames == EACH
    assert report.damaging > EACH / 5, "links were broken"
    assert report.codes[Code.LOST_CONNECTION] > EACH / 20, "in doubt, for those who waited there"
    assert not report.codes[Code.BAD_FRAME] + report.codes[Code.BAD_ATTRIBUTE], (
        "what a node says wrongly is blamed on a client"
    )


def test_every_code_for_bad_bytes_and_attributes_is_reached() -> None:
    reached: Counter[int] = Counter()
    for seed in (20, 21):
        reached.update(fuzz_proxy_by_clients(seed, 2000, RECORDED, fast_path=seed == 20).codes)
    assert set(reached) >= BAD_BYTES_AND_ATTRIBUTES, BAD_BYTES_AND_ATTRIBUTES - set(reached)
    assert Code.INTERNAL not in reached


def test_the_same_seed_does_the_same() -> None:
    one, other = (fuzz_proxy_by_clients(3, 300, RECORDED) for _ in range(2))
    assert (one.codes, one.answered, one.largest) == (other.codes, other.answered, other.largest)
    one, other = (fuzz_proxy_by_nodes(3, 300, RECORDED) for _ in range(2))
    assert (one.codes, one.answered, one.largest) == (other.codes, other.answered, other.largest)


@pytest.mark.parametrize("fuzz", [fuzz_proxy_by_clients, fuzz_proxy_by_nodes])
def test_no_table_grows_beyond_what_its_limits_allow(fuzz: object) -> None:
    assert callable(fuzz)
    largest = fuzz(30, 2000, RECORDED).largest
    assert largest["peers"] <= 8
    assert largest["clients"] <= SETTINGS.max_clients
    assert largest["pending"] < 200
    assert largest["clients in flight"] <= 8 * SETTINGS.max_pending_per_client
    assert largest["composed"] <= 100, "a few agents and interactions, however often"
    assert largest["reporting streams"] <= largest["reporting clients"] <= 8
    assert largest["agent events that wait"] <= 100
    assert largest["sessions that were ousted"] <= 100
    for name in ("outputs", "effects", "owners beyond their limit"):
        assert largest[name] == 0
    assert largest["agents"] <= 2 + 10, "two that fit, and some that were made by chance"


@pytest.mark.parametrize("fuzz", [fuzz_proxy_by_clients, fuzz_proxy_by_nodes])
def test_memory_is_flat(fuzz: object) -> None:
    assert callable(fuzz)

    def feed(seed: int) -> int:
        fuzz(seed, 600, RECORDED)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = feed(40)
        after = feed(41)
    finally:
        tracemalloc.stop()
    assert after - before < 200_000


def test_an_answer_too_few_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ProxyState, "refuse", lambda *_: None)
    assert fuzz_proxy_by_clients(1, 800, RECORDED).wrong


def test_an_answer_too_many_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    once = ProxyState.answer

    def twice(state: ProxyState, asked: object, raw: bytes) -> None:
        once(state, asked, raw)  # type: ignore[arg-type]
        once(state, asked, raw)  # type: ignore[arg-type]

    monkeypatch.setattr(ProxyState, "answer", twice)
    assert fuzz_proxy_by_clients(1, 400, RECORDED).wrong


def test_what_is_left_behind_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Leaving, "lost", lambda *_: None)
    assert fuzz_proxy_by_clients(1, 200, RECORDED).left


def test_a_node_whose_nonsense_costs_an_answer_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Answers, "given_up", lambda *_: None)
    assert fuzz_proxy_by_nodes(1, 400, RECORDED).wrong
