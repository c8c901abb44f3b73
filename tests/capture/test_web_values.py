from __future__ import annotations

import pytest

from ixproxy.capture.web_values import Asked, plain


@pytest.mark.parametrize(
    ("header", "kind", "charset"),
    [
        ("text/xml; charset=UTF-8", "text/xml", "utf-8"),
        ('Text/XML;a=b; charset="iso-8859-1"', "text/xml", "iso-8859-1"),
        ("application/json", "application/json", ""),
        ("", "", ""),
        (";;=", "", ""),
    ],
)
def test_a_content_type_is_taken_apart(header: str, kind: str, charset: str) -> None:
    asked = Asked(method="POST", headers={"content-type": header})
    assert (asked.content_type, asked.charset) == (kind, charset)


def test_a_plain_answer_ends_its_line() -> None:
    reply = plain(404, "not found")
    assert (reply.status, reply.body, reply.unread) == (404, b"not found\n", "")


@pytest.mark.parametrize(
    ("said", "coding"),
    [("", ""), ("identity", ""), ("Identity, ", ""), ("GZIP", "gzip"), ("br,identity,x", "br, x")],
)
def test_a_body_is_packed_in_what_is_not_identity(said: str, coding: str) -> None:
    assert Asked(method="POST", headers={"content-encoding": said}).coding == coding
