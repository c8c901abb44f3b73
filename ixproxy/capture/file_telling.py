"""Notifications become files: blocking, for threads."""

from __future__ import annotations

from collections.abc import Sequence

from ixproxy.capture.file_names import by_id, counted, reason_name
from ixproxy.capture.file_placing import Places, last_count, sync_directory
from ixproxy.capture.file_settings import SEQUENTIAL, FileSettings
from ixproxy.capture.refusing import DocumentRefused
from ixproxy.capture.xml_writing import write_notification
from ixproxy.errors import NotTold
from ixproxy.node.intake_work import Notification, Said


class Telling:
    """
    What one term of a capture point writes for its source to read.

    What fails in the middle is told again from the beginning, or a part of it;
    what was on the disk by then is not written twice.
    """

    def __init__(self, settings: FileSettings, places: Places) -> None:
        self._settings = settings
        self._places = places
        self._next: dict[str, int] = {}
        self._written: dict[int, Notification] = {}

    def directory_of(self, told: Notification) -> str:
        """Where a notification belongs; "": nowhere, so it is not written."""
        if told.said is Said.PLACED_IN_QUEUE and told.place in self._settings.queues:
            return self._settings.queues[told.place]
        return self._settings.notification

    def tell(self, notifications: Sequence[Notification]) -> list[str]:
        """
        Write them, one after another, all durable when this returns.

        :return: why some of them went to the error place: their stylesheet fails on them.
        :raise NotTold: one cannot be written, for now.
        """
        try:
            return self._tell(notifications)
        except OSError as problem:
            raise NotTold(str(problem)) from problem

    def _tell(self, notifications: Sequence[Notification]) -> list[str]:
        faults: list[str] = []
        before = dict(self._written)
        for told in notifications:
            if before.get(told.number) != told:
                if fault := self._write(told):
                    faults.append(fault)
                self._written[told.number] = told
        for directory in sorted({self.directory_of(told) for told in notifications} - {""}):
            sync_directory(directory)
        self._written.clear()
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
        directory = self.directory_of(told)
        if content and directory:
            self._places.write(directory, self._name(told, directory), content)
            if directory in self._next:
                # Only now: a number that was left out would be waited for.
                self._next[directory] += 1
        return ""

    def _name(self, told: Notification, directory: str) -> str:
        if self._settings.naming != SEQUENTIAL:
            return by_id(told.interaction_id, told.said.value)
        if directory not in self._next:
            self._next[directory] = last_count(directory) + 1
        return counted(self._next[directory])
