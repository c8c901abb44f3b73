"""A hundred thousand documents with something wrong in them are read or refused, and forgotten."""

from __future__ import annotations

import gc
import os
import re
from pathlib import Path

import pytest

from ixproxy.capture import xml_parsing
from ixproxy.capture.refusing import DocumentRefused
from ixproxy.capture.xml_parsing import Element
from ixproxy.capture.xml_reading import read_document
from ixproxy.testing import fuzz_xml
from ixproxy.testing.fuzz_xml import fuzz_documents, mutated_documents

COUNT = int(os.environ.get("IXPROXY_FUZZED_DOCUMENTS", "100000"))

CORPUS = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<interaction operation="submit" ExternalId="S-1">'
    b"<properties><TenantId>1</TenantId><Queue>In</Queue><Priority>10</Priority>"
    b'<ReceivedAt>2026-11-22 09:30:00</ReceivedAt><Note>a &amp; b</Note><Count type="int">3</Count>'
    b'<Order><Lines>2</Lines><Raw type="binary">AAE=</Raw></Order></properties></interaction>',
    '<batch><interaction operation="update" ExternalId="S-1"><properties><Note>Grüße</Note>'
    '</properties><deleted><Old/><property name="Old note"/></deleted></interaction>'
    '<interaction operation="hold" InteractionId="1"><reason systemname="a" description="b"/>'
    '</interaction><interaction operation="getinfo" ExternalId="S-1"/></batch>'.encode(),
    b'<interactions><interaction operation="ping"/><interaction operation="stop" '
    b'InteractionId="1"/></interactions>',
)


class Memory:
    """How much of it this process takes more than it did when this was made, in KiB."""

    def __init__(self) -> None:
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        self._before = self._read("VmRSS")

    def peak(self) -> int:
        return self._read("VmHWM") - self._before

    def now(self) -> int:
        gc.collect()
        return self._read("VmRSS") - self._before

    def _read(self, name: str) -> int:
        found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
        assert found
        return int(found[1])


def test_a_hundred_thousand_damaged_documents_are_read_or_refused_and_forgotten() -> None:
    fuzz_documents(CORPUS, 0, 1000)
    memory = Memory()
    outcome = fuzz_documents(CORPUS, 1, COUNT)
    assert outcome.documents == COUNT
    # Enough of both, and of many sorts: else the damage is of no use.
    assert outcome.read > COUNT / 10
    assert outcome.problems > COUNT / 100
    assert outcome.refused.total() > COUNT / 3
    assert len(outcome.refused) > 40
    assert memory.peak() < 32 << 10
    assert memory.now() < 16 << 10
    assert not [each for each in gc.get_objects() if isinstance(each, Element)]


def test_the_same_seed_gives_the_same_documents() -> None:
    assert list(mutated_documents(CORPUS, 7, 50)) == list(mutated_documents(CORPUS, 7, 50))
    assert list(mutated_documents(CORPUS, 7, 50)) != list(mutated_documents(CORPUS, 8, 50))


def test_good_documents_come_through_whole_now_and_then() -> None:
    assert sum(content in CORPUS for content in mutated_documents(CORPUS, 1, 320)) > 20


def test_a_reader_that_fails_is_found_with_what_it_failed_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(content: bytes, **_: object) -> object:
        raise KeyError(1) if b"stop" in content else DocumentRefused("it is bad")

    monkeypatch.setattr(fuzz_xml, "read_document", broken)
    with pytest.raises(AssertionError, match=r"(?s)seed 3, document \d+: KeyError.*stop"):
        fuzz_documents(CORPUS, 3, 100)


def test_a_reason_that_nobody_can_read_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(content: bytes, **_: object) -> object:
        refused = DocumentRefused("")
        refused.reason = "a\nb"
        raise refused

    monkeypatch.setattr(fuzz_xml, "read_document", broken)
    with pytest.raises(AssertionError, match="not a text of one line"):
        fuzz_documents(CORPUS, 3, 1)


BOMB = b"""<!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa">%s]>
<interaction operation="submit"><properties><N>&z;</N></properties></interaction>""" % b"".join(
    b'<!ENTITY %c "%s">' % (97 + n, b"&%c;" % (96 + n) * 10) for n in range(1, 26)
)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (BOMB, "document type"),
        (BOMB.decode().encode("utf-16"), "document type"),
        (b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', "document type"),
        (b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a"><a/>', "document type"),
        (b'<?xml version="1.0" encoding="windows-1252"?><a/>', "windows-1252"),
        (b"<a>" * 100_000, "32 deep"),
        (b"<a>" + b"<b/>" * 150_000 + b"</a>", "100000 elements"),
        (b"<a>" + b"x" * (1 << 20) + b"</a>", "1048576 are allowed"),
        (b"<a>" + b"x" * 300_000 + b"</a>", "262144 characters"),
        (b"<" + b"a" * 300_000 + b"/>", "1000 are allowed"),
        (b"<a " + b" ".join(b'a%d=""' % n for n in range(50_000)) + b"/>", "32 attributes"),
        (b"<a><!--" + b"<!--" * 100_000 + b"</a>", "not well-formed"),
        (b"<!--" * 250_000, "not well-formed"),
        (b"<?a" * 250_000, "not well-formed"),
        (b" " * 1_000_000, "not well-formed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bombs_are_refused_and_cost_no_memory_that_stays(content: bytes, reason: str) -> None:
    memory = Memory()
    for _ in range(3):
        with pytest.raises(DocumentRefused, match=reason):
            read_document(content)
    assert memory.peak() < 128 << 10
    assert memory.now() < 64 << 10


def test_names_that_were_never_met_before_do_not_stay() -> None:
    """In a tree of lxml they do, for as long as its thread lives."""

    def one(start: int) -> bytes:
        names = (b"n%07d%s" % (start + n, b"x" * 200) for n in range(1000))
        return b"<a>" + b"".join(b"<%s/>" % name for name in names) + b"</a>"

    xml_parsing.parse(one(0))
    memory = Memory()
    for number in range(1, 150):
        xml_parsing.parse(one(number * 1000))
    assert memory.now() < 16 << 10, "of 30 MiB of names"
