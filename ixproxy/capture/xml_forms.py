"""
How one capture point reads and writes: natively, or in another form through stylesheets.

Reading and writing may take long and be blocked by a stylesheet, so both are
done in threads of the reactor's pool, never in the reactor's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ixproxy.capture.asking import Keys
from ixproxy.capture.iwd_names import CAPTURE_POINT_KEY
from ixproxy.capture.iwd_parameters import wrong_with
from ixproxy.capture.refusing import DocumentRefused
from ixproxy.capture.xml_parsing import LIMITS, XmlLimits
from ixproxy.capture.xml_reading import read_document
from ixproxy.capture.xml_writing import write_notification
from ixproxy.errors import ConfigError
from ixproxy.node.intake_work import Document, Notification, Operation, Verb
from ixproxy.strategies.settings import unknown_setting

if TYPE_CHECKING:
    from ixproxy.capture.transforming import Stylesheet, Transformation

INBOUND = "inbound-transformation"
OUTBOUND = "outbound-transformation"
_PARAMETERS = {
    INBOUND: "inbound-transformer-parameters",
    OUTBOUND: "outbound-transformer-parameters",
}

IWD_MODE = "iwd-compatibility-mode"
_IWD = Path(__file__).with_name("iwd")
_OF_IWD = {INBOUND: str(_IWD / "inbound.xsl"), OUTBOUND: str(_IWD / "outbound.xsl")}

MOST_DOCUMENT_SIZE = 64 << 20
"""Bytes; more is no document."""


class XmlForms:
    """
    The form of a capture point's documents and of what it is told.

    :param limits: of what comes in.
    :param inbound: makes what comes in native; None: it is so already.
    :param outbound: makes another form of what goes out.
    :param iwd: it is the mode of iWD: a task keeps the name of its capture point.
    """

    def __init__(
        self,
        limits: XmlLimits = LIMITS,
        inbound: Stylesheet | None = None,
        outbound: Stylesheet | None = None,
        *,
        iwd: bool = False,
    ) -> None:
        self.limits = limits
        self.iwd = iwd
        self._point = ""
        self._inbound = _at_work(inbound, limits)
        self._outbound = _at_work(outbound, replace(limits, size=MOST_DOCUMENT_SIZE))

    def begin(self, point: str) -> None:
        """What is read from now on is for the capture point of this name."""
        self._point = point

    def read(
        self, content: bytes, *, receipt: str = "", correlation: Mapping[str, str] | None = None
    ) -> Document:
        """
        What a document of the source asks for.

        :raise DocumentRefused: nothing of it can be used.
        """
        if self._inbound is None:
            return read_document(
                content, receipt=receipt, correlation=correlation, limits=self.limits
            )
        native = self._inbound.apply(content)
        limits = replace(self.limits, size=max(len(native), 1))
        try:
            document = read_document(
                native, receipt=receipt, correlation=correlation, limits=limits
            )
        except DocumentRefused as refused:
            raise DocumentRefused(f"after {INBOUND}: {refused}", code=refused.code) from None
        if not (self.iwd and self._point):
            return document
        operations = tuple(_marked(each, self._point) for each in document.operations)
        return msgspec.structs.replace(document, operations=operations)

    def write(self, told: Notification) -> bytes:
        """
        What the source is told; b"": nothing, the stylesheet leaves it out.

        :raise DocumentRefused: the stylesheet fails on it.
        """
        native = write_notification(told)
        return native if self._outbound is None else self._outbound.apply(native)

    def close(self) -> None:
        """Let go of the threads of stylesheets."""
        for each in (self._inbound, self._outbound):
            if each is not None:
                each.close()


def _marked(operation: Operation, point: str) -> Operation:
    """A task that is made has the name of its capture point, as at the web service of iWD."""
    if operation.verb is not Verb.SUBMIT or operation.problem is not None:
        return operation
    return msgspec.structs.replace(
        operation, user_data={**operation.user_data, CAPTURE_POINT_KEY: point}
    )


def _at_work(sheet: Stylesheet | None, limits: XmlLimits) -> Transformation | None:
    if sheet is None:
        return None
    from ixproxy.capture.transforming import Transformation

    return Transformation(sheet, limits)


def read_forms(keys: Keys) -> XmlForms:
    """
    The keys of a capture point's table that say in which form its documents are.

    `max-document-size` (bytes), `inbound-transformation` and
    `outbound-transformation` (files with stylesheets), or `iwd-compatibility-mode`
    (those of iWD, and its tasks keep the capture point's name);
    `inbound-transformer-parameters` and `outbound-transformer-parameters` (what those
    are given). What is wrong is noted in `keys`.
    """
    size = keys.whole("max-document-size", LIMITS.size, 1, MOST_DOCUMENT_SIZE)
    limits = replace(LIMITS, size=size, text=max(LIMITS.text, size // 4))
    iwd = keys.yes(IWD_MODE)
    inbound = _stylesheet(keys, INBOUND, iwd)
    return XmlForms(limits, inbound, _stylesheet(keys, OUTBOUND, iwd), iwd=iwd)


def _stylesheet(keys: Keys, key: str, iwd: bool) -> Stylesheet | None:
    path = keys.text(key)
    given = keys.table(_PARAMETERS[key], '{ CompleteQueues = "Done" }')
    if iwd and path:
        keys.refuse(key, f"{IWD_MODE} has a stylesheet of its own")
        return None
    path = _OF_IWD[key] if iwd else path
    texts = {name: each for name, each in given.items() if isinstance(each, str)}
    if len(texts) < len(given):
        keys.refuse(_PARAMETERS[key], "expected a table of texts")
        return None
    if not path:
        if given:
            keys.refuse(_PARAMETERS[key], f"there is no {key}")
        return None
    try:
        from ixproxy.capture.transforming import read_stylesheet
    except ImportError:
        keys.refuse(key, "it needs lxml: install ixproxy[capture]")
        return None
    try:
        sheet = read_stylesheet(key, path, texts)
    except ConfigError as wrong:
        for problem in wrong.problems:
            keys.refuse(problem.key, problem.text)
        return None
    for name, value in texts.items():
        text = ""
        if name not in sheet.declared:
            text = unknown_setting(name, sheet.declared)
        elif iwd:
            text = wrong_with(name, value, inbound=key == INBOUND)
        if text:
            keys.refuse(f"{_PARAMETERS[key]}.{name}", text)
    return sheet
