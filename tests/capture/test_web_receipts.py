from __future__ import annotations

import pytest

from ixproxy.capture.web_receipts import LONGEST, receipt_of
from ixproxy.capture.web_values import Asked
from ixproxy.errors import Code, RequestRefused


def asked(given: str) -> Asked:
    return Asked(method="POST", headers={"idempotency-key": given})


@pytest.mark.parametrize(
    ("given", "receipt"),
    [
        ('"a-1"', "a-1"),
        ("a-1", "a-1"),
        (' "a \\"b\\" \\\\c" ', 'a "b" \\c'),
        ('"half', '"half'),
        ("", ""),
        ('""', ""),
        ("x" * LONGEST, "x" * LONGEST),
    ],
)
def test_a_quoted_receipt_and_a_bare_one_mean_the_same(given: str, receipt: str) -> None:
    assert receipt_of(asked(given)) == receipt


def test_a_request_without_one_has_none() -> None:
    assert receipt_of(Asked(method="POST")) == ""


@pytest.mark.parametrize("given", ["x" * (LONGEST + 1), "ä", "a\tb", "a\x7f"])
def test_what_cannot_be_one_is_refused(given: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        receipt_of(asked(given))
    assert refused.value.code == Code.BAD_ATTRIBUTE
    assert "Idempotency-Key" in refused.value.description
