"""Notifications become files: blocking, for threads."""

from __future__ import annotations

from collections.abc import Sequence

from ixproxy.capture.file_names import by_id, counted, reason_name
from ixproxy.capture.file_placing import Places, last_count, sync_directory
from ixproxy.capture.file_settings import SEQUENTIAL, FileSettings
from ixproxy.capture.refusing import DocumentRefused
from ixproxy.capture.xml_writing import write_notification
from ixproxy.node.intake_work import Notification


class Telling:
    """
    What one term of a capture point writes for its source to read.

    What fails in the middle is told again from the beginning; what was on the
    disk by then is not written twice.
    """

    def __init__(self, settings: FileSettings, places: Places) -> None:
        self._settings = settings
        self._places = places
        self._next: int | None = None
        self._written: list[Notification] = []

    def tell(self, notifications: Sequence[Notification]) -> list[str]:
        """
        Write them, one after another, all durable when this returns.

        :return: why some of them went to the error place: their stylesheet fails on them.
        :raise OSError: one cannot be written, for now.
        """
        faults: list[str] = []
        before, self._written = self._written, []
        for told in notifications:
            if before and before[0] == told:
                del before[0]
            else:
                before = []
                if fault := self._write(told):
                    faults.append(fault)
            self._written.append(told)
        sync_directory(self._settings.notification)
        self._written = []
        return faults

    def _write(self, told: Notification) -> str:
        try:
            content = self._settings.forms.write(told)
        except DocumentRefused as refused:
            # It would fail as often as it was told, and nothing after it would be told.
            wanted = f"notification-{told.dbid}-{told.number}.xml"
            error = self._settings.error
            name = self._places.write(error, wanted, write_notification(told))
            self._places.write(error, reason_name(name), f"{refused}\n".encode())
            return f"notification {told.dbid}-{told.number}: {refused}"
        if content:
            self._places.write(self._settings.notification, self._name(told), content)
            if self._next is not None:
                # Only now: a number that was left out would be waited for.
                self._next += 1
        return ""

    def _name(self, told: Notification) -> str:
        if self._settings.naming != SEQUENTIAL:
            return by_id(told.interaction_id, told.said.value)
        if self._next is None:
            self._next = last_count(self._settings.notification) + 1
        return counted(self._next)
