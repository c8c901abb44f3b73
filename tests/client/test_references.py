from __future__ import annotations

from ixproxy.client.references import LAST, References


def test_references_count_from_one() -> None:
    references = References()
    assert [references.next(()) for _ in range(3)] == [1, 2, 3]


def test_they_wrap_without_zero_and_skip_those_in_use() -> None:
    references = References(LAST - 1)
    assert [references.next({LAST, 1, 2, 4}) for _ in range(2)] == [3, 5]


def test_the_last_one_is_used() -> None:
    references = References(LAST - 1)
    assert [references.next(()) for _ in range(2)] == [LAST, 1]
