"""The interfaces are the manual of whoever writes a plug-in."""

from __future__ import annotations

import pytest
from zope.interface import Interface
from zope.interface.interface import InterfaceClass, Method

from ixproxy import interfaces

OURS = [
    each
    for each in vars(interfaces).values()
    if isinstance(each, InterfaceClass)
    and each is not Interface
    and each.__module__ == interfaces.__name__
]


@pytest.mark.parametrize("interface", OURS, ids=lambda each: each.__name__)
def test_every_interface_and_every_method_is_explained(interface: InterfaceClass) -> None:
    assert interface.__doc__
    for name, attribute in interface.namesAndDescriptions():
        if isinstance(attribute, Method):
            assert attribute.__doc__, f"{interface.__name__}.{name}"


def test_makers_say_their_name_and_what_they_make() -> None:
    makers = [each for each in OURS if each.__name__.endswith("Maker")]
    assert len(makers) >= 5
    for maker in makers:
        assert {"name", "summary"} <= set(maker.names(all=True))
    assert all("make" in each.names() for each in makers if each.__name__ != "IStrategyMaker")


def test_a_fan_out_begins_with_nothing_gathered() -> None:
    one, other = interfaces.Gathered(), interfaces.Gathered()
    one.lost.add("a")  # type: ignore[arg-type]
    assert not other.lost, "two fan-outs share nothing"
    assert interfaces.Merged().nodes == ()
