"""
What a node tells becomes messages, and finds its queue.

A reply goes where the request wants it, if that is asked for, and otherwise, like
all that nobody asked for, to the notification queue. It has as its correlation
id the id of the message that it answers, or the correlation id of that.
"""

from __future__ import annotations

from collections.abc import Sequence

from ixproxy.capture.jms_reading import CORRELATION, MESSAGE, REPLY_TO
from ixproxy.capture.jms_settings import JmsSettings
from ixproxy.capture.jms_words import CAPTURE_POINT, EVENT_ID, OPERATION, REASON, Outgoing
from ixproxy.capture.refusing import DocumentRefused
from ixproxy.capture.xml_writing import write_notification
from ixproxy.node.intake_work import Notification

MOST_UNREACHABLE = 1_000
"""Queues for replies that are remembered as out of reach."""


class Telling:
    """
    :param name: of the capture point.
    """

    def __init__(self, settings: JmsSettings, name: str) -> None:
        self._settings = settings
        self._name = name
        self._unreachable: set[str] = set()

    def write(self, notifications: Sequence[Notification]) -> tuple[list[Outgoing], list[str]]:
        """
        The messages that tell it, in order, and what is wrong with some; may take long.

        What a stylesheet fails on goes out natively to the error queue, if there is one.
        """
        outgoing: list[Outgoing] = []
        faults: list[str] = []
        for told in notifications:
            queue = self._queue(told)
            if not queue:
                continue
            try:
                body, reason = self._settings.forms.write(told), ""
            except DocumentRefused as refused:
                body, reason = write_notification(told), str(refused)
                faults.append(f"event {told.dbid}-{told.number} cannot be written: {reason}")
                queue = self._settings.error_queue
            if body and queue:
                outgoing.append(self._message(told, queue, body, reason))
        return outgoing, faults

    def refused(self, outgoing: Sequence[Outgoing]) -> None:
        """
        The broker refuses some of these: where a message wants replies is not asked again.

        They go to the notification queue the next time.
        """
        if len(self._unreachable) > MOST_UNREACHABLE:
            self._unreachable.clear()
        ours = (self._settings.notification_queue, self._settings.error_queue)
        self._unreachable.update(each.queue for each in outgoing if each.queue not in ours)

    def _queue(self, told: Notification) -> str:
        if told.reply and self._settings.use_reply_to:
            wanted = told.correlation.get(REPLY_TO, "")
            if wanted and wanted not in self._unreachable:
                return wanted
        return self._settings.notification_queue

    def _message(self, told: Notification, queue: str, body: bytes, reason: str) -> Outgoing:
        correlation = ""
        if told.reply:
            wanted = CORRELATION if self._settings.use_correlation_id else MESSAGE
            correlation = told.correlation.get(wanted, "")
        name = f"{told.dbid}-{told.number}"
        properties = {CAPTURE_POINT: self._name, OPERATION: told.said.value, EVENT_ID: name}
        if reason:
            properties[REASON] = reason
        return Outgoing(queue, body, name, correlation, properties)
