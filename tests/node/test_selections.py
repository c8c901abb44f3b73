from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from ixproxy.node.selections import Selection


def test_a_selection_of_a_tenant_alone_narrows_nothing_else() -> None:
    selection = Selection(1)
    assert (selection.queue, selection.media_type, selection.workbin) == ("", "", ())
    assert (selection.condition, selection.order) == (None, None)
    assert (selection.segmentation, selection.segment_limit) == ((), 0)
    assert (selection.available, selection.limit) == (False, 0)


def test_selections_are_values() -> None:
    assert Selection(1, queue="Q") == Selection(1, queue="Q")
    assert len({Selection(1, queue="Q"), Selection(1, queue="Q"), Selection(2)}) == 2
    with pytest.raises(FrozenInstanceError):
        Selection(1).limit = 5  # type: ignore[misc]
