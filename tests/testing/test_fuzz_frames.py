from __future__ import annotations

import gc
import tracemalloc
from collections import Counter
from contextlib import suppress
from itertools import islice

import pytest

from ixproxy.errors import Code, RemoteProtocolError
from ixproxy.testing.fuzz_frames import LONGEST, VALUES, mutated_frames, refusals
from ixproxy.wire.frames import FrameReader
from tests.wire.recorded import frames

RECORDED = frames()


def test_the_same_seed_gives_the_same_frames_and_another_gives_others() -> None:
    one = list(mutated_frames(RECORDED, 1, 300))
    assert one == list(mutated_frames(RECORDED, 1, 300))
    assert one != list(mutated_frames(RECORDED, 2, 300))
    assert one[:100] == list(islice(mutated_frames(RECORDED, 1, 300), 100))


def test_some_frames_stay_whole_and_none_is_endless() -> None:
    made = list(mutated_frames(RECORDED, 3, 2000))
    whole = [raw for raw in made if raw in set(RECORDED)]
    assert 60 < len(whole) < 400
    assert max(map(len, made)) <= LONGEST
    assert len(set(made)) > 1500


def test_recorded_frames_are_not_refused() -> None:
    for raw in RECORDED:
        # Cancels and pings have no message, and name 0.
        assert [code for code in refusals(raw) if code != Code.BAD_FRAME or raw[5] < 5] == []


# 20,000 in all, in pieces so that a failure says which seed to run again.
@pytest.mark.parametrize("seed", range(20))
def test_no_frame_raises_anything_but_a_refusal(seed: int) -> None:
    for raw in mutated_frames(RECORDED, seed, 1000):
        refusals(raw)


def test_every_code_for_bad_bytes_and_attributes_is_reached() -> None:
    reached: Counter[int] = Counter()
    for raw in mutated_frames(RECORDED, 99, 3000):
        reached.update(set(refusals(raw)))
    assert set(reached) == {
        Code.BAD_FRAME,
        Code.BAD_ATTRIBUTE,
        Code.TOO_LARGE,
        Code.UNSUPPORTED_VERSION,
    }
    assert min(reached.values()) > 10


def test_a_stream_of_them_goes_on_until_its_magic_is_wrong() -> None:
    made = list(mutated_frames(RECORDED, 6, 3000))
    read = broken = 0
    # A length may say that four gigabytes follow, so no stream is long.
    for at in range(0, len(made), 20):
        reader = FrameReader(1 << 16)
        for raw in made[at : at + 20]:
            if reader.broken:
                broken += 1
                break
            with suppress(RemoteProtocolError):
                read += len(reader.feed(raw))
    assert read > 1000
    assert broken > 20


def test_values_that_lie_about_their_size_take_no_memory() -> None:
    def feed(seed: int) -> int:
        for raw in mutated_frames(RECORDED, seed, 800):
            refusals(raw)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = feed(7)
        tracemalloc.reset_peak()
        after = feed(8)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert after - before < 200_000
    assert peak < before + (8 << 20)


def test_values_are_of_all_sorts() -> None:
    assert len(set(VALUES)) == len(VALUES)
