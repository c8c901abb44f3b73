"""What a node tells becomes messages."""

from __future__ import annotations

from ixproxy.capture.jms_settings import JmsSettings
from ixproxy.capture.jms_telling import MOST_UNREACHABLE, Telling
from ixproxy.capture.jms_words import Outgoing
from ixproxy.capture.refusing import DocumentRefused
from ixproxy.capture.xml_forms import XmlForms
from ixproxy.node.intake_work import Notification, Said
from ixproxy.testing.fake_intake import notification

SAID = {"message": "M1", "correlation": "C1", "reply-to": "/queue/mine"}
REPLY = notification(Said.SUBMITTED, "X1", reply=True, correlation=SAID)
UNASKED = notification(Said.STOPPED, "X1", correlation=SAID)


def settings(**fields: object) -> JmsSettings:
    values = {"notification_queue": "told", "error_queue": "errors", **fields}
    return JmsSettings("stomp", ("tcp:broker:1",), "in", **values)  # type: ignore[arg-type]


def written(given: JmsSettings, *told: Notification) -> list[Outgoing]:
    outgoing, faults = Telling(given, "mail-in").write(told)
    assert faults == []
    return outgoing


def test_a_message_says_what_it_is_and_whose() -> None:
    (message,) = written(settings(), REPLY)
    name = f"{REPLY.dbid}-{REPLY.number}"
    assert message.name == name
    assert message.properties == {
        "ixn_capture_point": "mail-in",
        "ixn_operation": "submitted",
        "ixn_event_id": name,
    }
    assert b'operation="submitted"' in message.body


def test_only_a_reply_has_a_correlation_and_which_is_a_setting() -> None:
    assert [each.correlation for each in written(settings(), REPLY, UNASKED)] == ["M1", ""]
    asked = settings(use_correlation_id=True)
    assert [each.correlation for each in written(asked, REPLY, UNASKED)] == ["C1", ""]


def test_a_reply_goes_where_it_is_wanted_only_if_that_is_set() -> None:
    assert [each.queue for each in written(settings(), REPLY, UNASKED)] == ["told", "told"]
    asked = settings(use_reply_to=True)
    assert [each.queue for each in written(asked, REPLY, UNASKED)] == ["/queue/mine", "told"]


def test_where_there_is_no_queue_nothing_is_told() -> None:
    assert written(settings(notification_queue=""), REPLY, UNASKED) == []
    asked = settings(notification_queue="", use_reply_to=True)
    assert [each.queue for each in written(asked, REPLY, UNASKED)] == ["/queue/mine"]


def test_a_queue_for_replies_that_is_refused_is_not_used_again() -> None:
    telling = Telling(settings(use_reply_to=True), "mail-in")
    outgoing, _ = telling.write([REPLY, UNASKED])
    telling.refused(outgoing)
    again, _ = telling.write([REPLY, UNASKED])
    assert [each.queue for each in again] == ["told", "told"]
    for number in range(MOST_UNREACHABLE + 2):
        telling.refused([Outgoing(f"/queue/{number}", b"")])
    assert [each.queue for each in telling.write([REPLY])[0]] == ["/queue/mine"]


class Failing(XmlForms):
    """A stylesheet that fails on replies, and leaves out what is stopped."""

    def write(self, told: Notification) -> bytes:
        if told.reply:
            raise DocumentRefused("no template for that")
        return b"" if told.said is Said.STOPPED else super().write(told)


def test_what_a_stylesheet_fails_on_goes_natively_to_the_errors() -> None:
    held = notification(Said.HELD, "X1")
    telling = Telling(settings(forms=Failing()), "mail-in")
    outgoing, faults = telling.write([REPLY, UNASKED, held])
    assert [each.queue for each in outgoing] == ["errors", "told"]
    assert outgoing[0].properties["ixn_reason"] == "no template for that"
    assert b'operation="submitted"' in outgoing[0].body
    assert faults == [f"event {REPLY.dbid}-{REPLY.number} cannot be written: no template for that"]
    telling = Telling(settings(forms=Failing(), error_queue=""), "mail-in")
    outgoing, faults = telling.write([REPLY, held])
    assert len(outgoing) == len(faults) == 1
