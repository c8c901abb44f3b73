"""What all sources of capture chaos have in common."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from threading import get_ident
from typing import Any

import pytest
import pytest_twisted

from ixproxy.testing.capture_chaos_source import Source
from ixproxy.testing.capture_chaos_words import Sort


@pytest_twisted.ensureDeferred
async def test_what_a_source_does_not_have_is_empty(real_reactor: Any, tmp_path: Path) -> None:
    source = Source(real_reactor, tmp_path / "source", Random(1))
    await source.start()
    assert source.folder.is_dir()
    assert source.faults() == {}
    assert await source.documents() == Counter()
    assert await source.copies() is None
    assert set(source.sorts) == set(Sort)
    await source.stop()


@pytest_twisted.ensureDeferred
async def test_what_blocks_is_done_in_a_thread(real_reactor: Any, tmp_path: Path) -> None:
    source = Source(real_reactor, tmp_path, Random(1))
    assert await source.apart(get_ident) != get_ident()
    await source.pause(0.01)


@pytest_twisted.ensureDeferred
async def test_each_kind_says_for_itself_what_it_gives(real_reactor: Any, tmp_path: Path) -> None:
    source = Source(real_reactor, tmp_path, Random(1))
    with pytest.raises(NotImplementedError):
        source.settings()
    for asked in (source.give([]), source.left(), source.errors(), source.told()):
        with pytest.raises(NotImplementedError):
            await asked
