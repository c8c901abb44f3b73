"""The interfaces of capture points say what is implemented, and can be looked up."""

from __future__ import annotations

from zope.interface import Interface

from ixproxy.interfaces_capture import ICapturePoint, IIntake


def test_both_are_interfaces_with_a_manual() -> None:
    for interface in (ICapturePoint, IIntake):
        assert interface.extends(Interface)
        assert interface.__doc__
        for name, what in interface.namesAndDescriptions():
            assert what.__doc__, name


def test_a_capture_point_begins_ends_tells_and_shows() -> None:
    assert set(ICapturePoint.names()) == {"wanted", "begin", "end", "tell", "figures"}


def test_an_intake_takes_and_says_whether_there_is_room() -> None:
    assert set(IIntake.names()) == {
        "name", "node", "reactor", "take", "room", "when_room", "refused", "partly_refused",
    }  # fmt: skip
