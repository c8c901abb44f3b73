"""Stylesheets make native documents of others, and can do nothing else."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

import pytest

from ixproxy.capture import transforming
from ixproxy.capture.refusing import DocumentRefused
from ixproxy.capture.transforming import Stylesheet, Transformation, read_stylesheet
from ixproxy.capture.xml_parsing import XmlLimits
from ixproxy.errors import Code, ConfigError
from ixproxy.testing.fuzz_xml import mutated_documents

OPENING = (
    '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"'
    ' xmlns:exsl="http://exslt.org/common" extension-element-prefixes="exsl">'
)
COPY = '<xsl:template match="/"><b><xsl:value-of select="."/></b></xsl:template>'


def stylesheet(tmp_path: Path, body: str) -> str:
    path = tmp_path / "sheet.xsl"
    path.write_text(f"{OPENING}{body}</xsl:stylesheet>")
    return str(path)


def made(tmp_path: Path, body: str, limits: XmlLimits | None = None) -> Transformation:
    sheet = read_stylesheet("inbound-transformation", stylesheet(tmp_path, body))
    return Transformation(sheet, limits or XmlLimits())


def refusal(transformation: Transformation, content: bytes = b"<a>x</a>") -> DocumentRefused:
    with pytest.raises(DocumentRefused) as refused:
        transformation.apply(content)
    return refused.value


def test_a_document_becomes_what_the_stylesheet_says(tmp_path: Path) -> None:
    transformation = made(tmp_path, COPY)
    content = '<?xml version="1.0" encoding="ISO-8859-1"?><a>Grüße</a>'.encode("iso-8859-1")
    assert transformation.apply(content).decode() == '<?xml version="1.0"?>\n<b>Grüße</b>\n'
    transformation.close()
    assert transformation.apply(b"<a>again</a>") == b'<?xml version="1.0"?>\n<b>again</b>\n'
    transformation.close()


def test_parameters_are_given_as_texts_whatever_is_in_them(tmp_path: Path) -> None:
    body = '<xsl:param name="q"/><xsl:template match="/"><b q="{$q}"/></xsl:template>'
    sheet = read_stylesheet("k", stylesheet(tmp_path, body), {"q": 'it\'s "x" or 1=1'})
    assert b'q="it\'s &quot;x&quot; or 1=1"' in Transformation(sheet).apply(b"<a/>")


def test_the_parameters_of_a_stylesheet_and_of_what_it_includes_are_known(tmp_path: Path) -> None:
    (tmp_path / "other.xsl").write_text(
        f'{OPENING}<xsl:param name="q"/><xsl:param name="r"/>{COPY}</xsl:stylesheet>'
    )
    body = (
        '<xsl:include href="other.xsl"/><xsl:param name="p"/>'
        '<xsl:template name="t"><xsl:param name="of-a-template"/></xsl:template>'
    )
    path = stylesheet(tmp_path, body)
    assert read_stylesheet("k", path).declared == ("p", "q", "r")


def test_nothing_may_come_of_a_document(tmp_path: Path) -> None:
    assert made(tmp_path, '<xsl:template match="/"/>').apply(b"<a/>") == b""


@pytest.mark.parametrize(
    "where", ["/etc/passwd", "file:///etc/passwd", "http://127.0.0.1:9/x", "sheet.xsl", "ftp://a/b"]
)
def test_a_stylesheet_at_work_reads_no_file_and_no_network(tmp_path: Path, where: str) -> None:
    body = f"""<xsl:template match="/"><xsl:copy-of select="document('{where}')"/></xsl:template>"""
    assert "refused" in str(refusal(made(tmp_path, body)))


def test_a_stylesheet_at_work_writes_no_file(tmp_path: Path) -> None:
    out = tmp_path / "out.xml"
    body = (
        f'<xsl:template match="/"><exsl:document href="{out}"><c/></exsl:document></xsl:template>'
    )
    assert "File write" in str(refusal(made(tmp_path, body)))
    assert not out.exists()


def test_a_stylesheet_may_include_another_when_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "other.xsl").write_text(f"{OPENING}{COPY}</xsl:stylesheet>")
    assert b"<b>x</b>" in made(tmp_path, '<xsl:include href="other.xsl"/>').apply(b"<a>x</a>")


@pytest.mark.parametrize("how", ["include", "import"])
def test_what_is_included_is_as_it_was_when_the_stylesheet_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(transforming, "RENEWED_AFTER", 1)
    inner = tmp_path / "a b" / "d\u00e9"
    inner.mkdir(parents=True)
    (inner.parent / "one.xsl").write_text(
        f'{OPENING}<xsl:{how} href="d%C3%A9/two.xsl"/></xsl:stylesheet>'
    )
    said = '<xsl:template match="/"><b q="Gr\u00fc\u00dfe"/></xsl:template>'
    (inner / "two.xsl").write_bytes(
        f'<?xml version="1.0" encoding="ISO-8859-1"?>{OPENING}{said}</xsl:stylesheet>'.encode(
            "iso-8859-1"
        )
    )
    (tmp_path / "three.xsl").write_text(f"{OPENING}</xsl:stylesheet>")
    body = (
        f'<xsl:{how} href="a%20b/one.xsl"/><xsl:{how} href="file://{tmp_path}/three.xsl"/>'
        f'<xsl:{how} href="three.xsl"/>'
    )
    transformation = made(tmp_path, body)
    before = transformation.apply(b"<a/>")
    assert 'q="Gr\u00fc\u00dfe"'.encode() in before
    (inner / "two.xsl").write_text(f"{OPENING}{COPY}</xsl:stylesheet>")
    assert transformation.apply(b"<a/>") == before
    (inner / "two.xsl").unlink()
    (tmp_path / "sheet.xsl").unlink()
    assert transformation.apply(b"<a/>") == before
    assert transformation.threads == 3
    transformation.close()


def test_what_was_not_included_at_first_is_not_read_later(tmp_path: Path) -> None:
    (tmp_path / "other.xsl").write_text(f"{OPENING}{COPY}</xsl:stylesheet>")
    content = f'{OPENING}<xsl:include href="other.xsl"/></xsl:stylesheet>'.encode()
    transformation = Transformation(Stylesheet(str(tmp_path / "sheet.xsl"), content))
    for _ in range(2):
        assert "sheet.xsl: " in str(refusal(transformation))
        assert "was not included at first" in str(refusal(transformation))
        assert str(tmp_path) not in str(refusal(transformation))
    transformation.close()


def test_whatever_goes_wrong_in_the_thread_refuses_the_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    transformation = made(tmp_path, COPY)

    def broken(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(transforming, "_compiled", broken)
    assert str(refusal(transformation)) == "sheet.xsl: MemoryError"
    monkeypatch.undo()
    assert b"<b>x</b>" in transformation.apply(b"<a>x</a>")
    transformation.close()


def test_a_thread_is_not_ended_between_its_choice_and_its_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits_or_is_done = Event()

    class WatchedLock:
        def __init__(self) -> None:
            self.lock = Lock()

        def __enter__(self) -> None:
            if not self.lock.acquire(blocking=False):
                waits_or_is_done.set()
                self.lock.acquire()

        def __exit__(self, *_: object) -> None:
            self.lock.release()

    def close() -> None:
        transformation.close()
        waits_or_is_done.set()

    closing = Thread(target=close)

    class Executor(ThreadPoolExecutor):
        def submit(self, *args: Any, **more: Any) -> Any:
            closing.start()
            waits_or_is_done.wait()
            return super().submit(*args, **more)

    monkeypatch.setattr(transforming, "Lock", WatchedLock)
    transformation = made(tmp_path, COPY)
    monkeypatch.setattr(transforming, "ThreadPoolExecutor", Executor)
    assert b"<b>x</b>" in transformation.apply(b"<a>x</a>")
    closing.join()


def test_what_a_stylesheet_refuses_is_refused_in_its_words_each_time(tmp_path: Path) -> None:
    body = (
        '<xsl:template match="/a"><xsl:message terminate="yes">no <xsl:value-of select="."/>'
        '</xsl:message></xsl:template><xsl:template match="/b"><c/></xsl:template>'
    )
    transformation = made(tmp_path, body)
    assert str(refusal(transformation)) == "no x"
    assert b"<c/>" in transformation.apply(b"<b/>")
    assert str(refusal(transformation, b"<a>y</a>")) == "no y"


def test_all_that_a_stylesheet_says_before_it_refuses_is_said(tmp_path: Path) -> None:
    body = (
        '<xsl:template match="/"><xsl:message>see the manual</xsl:message>'
        '<xsl:message terminate="yes">no order</xsl:message></xsl:template>'
    )
    assert str(refusal(made(tmp_path, body))) == "see the manual; no order"


def test_where_a_file_is_that_a_stylesheet_may_not_read_is_not_told(tmp_path: Path) -> None:
    (tmp_path / "codes.xml").write_text("<codes/>")
    body = '<xsl:template match="/"><xsl:copy-of select="document(\'codes.xml\')"/></xsl:template>'
    said = str(refusal(made(tmp_path, body)))
    assert "codes.xml" in said
    assert str(tmp_path) not in said


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('<xsl:template match="/"><xsl:value-of select="no()"/></xsl:template>', "Unregistered"),
        (
            '<xsl:template match="/"><xsl:value-of select="$no"/></xsl:template>',
            "not been declared",
        ),
        (
            '<xsl:template match="/"><xsl:call-template name="r"/></xsl:template>'
            '<xsl:template name="r"><xsl:call-template name="r"/></xsl:template>',
            "infinite template recursion",
        ),
    ],
)
def test_a_stylesheet_that_fails_refuses_the_document(
    tmp_path: Path, body: str, reason: str
) -> None:
    said = str(refusal(made(tmp_path, body)))
    assert said.startswith("sheet.xsl: ")
    assert reason in said
    assert str(tmp_path) not in said


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<a>", "line 1: it is not well-formed"),
        (b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>", "document type"),
        (b"<a>\xff</a>", "is not UTF-8"),
        (b"<a>" + b"x" * 30000 + b"</a>", "it has 30007 bytes, 30000 are allowed"),
        (b"<a>" * 3000 + b"</a>" * 3000, "Excessive depth"),
    ],
)
def test_what_comes_in_is_read_as_carefully_as_a_native_document(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    assert reason in str(refusal(made(tmp_path, COPY, XmlLimits(size=30000)), content))


def test_a_result_is_bounded(tmp_path: Path) -> None:
    body = (
        '<xsl:template match="/"><b><xsl:for-each select="//c"><xsl:copy-of select="//c"/>'
        "</xsl:for-each></b></xsl:template>"
    )
    refused = refusal(made(tmp_path, body, XmlLimits(size=1000)), b"<a>" + b"<c/>" * 200 + b"</a>")
    assert str(refused).startswith("sheet.xsl: the result has 160")
    assert "4000 are allowed" in str(refused)
    assert refused.code == Code.TOO_LARGE


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("<xsl:template", "is no stylesheet"),
        ("<xsl:wrong/>", "unknown wrong element"),
        ('<xsl:template match="///"/>', "failed to compile"),
        ('<xsl:include href="not-there.xsl"/>', "No such file or directory: '.*not-there.xsl'"),
        ('<xsl:include href="http://127.0.0.1:9/a.xsl"/>', "No such file or directory: 'http:"),
        ('<xsl:include href="a%00b.xsl"/>', "is no stylesheet"),
        ('<xsl:include href="."/>', "Is a directory"),
    ],
)
def test_a_wrong_stylesheet_is_a_mistake_of_the_configuration(
    tmp_path: Path, body: str, reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason) as wrong:
        read_stylesheet("inbound-transformation", stylesheet(tmp_path, body))
    assert wrong.value.problems[0].key == "inbound-transformation"


def test_a_stylesheet_that_is_not_there_is_one_too(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_stylesheet("k", str(tmp_path / "no.xsl"))


def test_a_thread_is_ended_before_the_names_it_has_met_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transforming, "RENEWED_AFTER", 100)
    transformation = made(tmp_path, COPY)
    for _ in range(30):
        transformation.apply(b"<a>0123456789</a>")
    assert transformation.threads == 5
    transformation.close()


def test_damaged_documents_are_transformed_or_refused(tmp_path: Path) -> None:
    corpus = [
        b'<?xml version="1.0"?>\n<a b="c"><d>1</d><d xmlns="urn:x">2</d><!-- e --></a>',
        "<a><property name='b'>Gr\u00fc\u00dfe</property></a>".encode(),
    ]
    transformation = made(tmp_path, COPY)
    outcomes: Counter[type] = Counter()
    for content in mutated_documents(corpus, 5, 3000):
        try:
            outcomes[type(transformation.apply(content))] += 1
        except DocumentRefused as refused:
            outcomes[type(refused)] += 1
    transformation.close()
    assert outcomes[bytes] > 300
    assert outcomes[DocumentRefused] > 300
    assert outcomes.total() == 3000
