from __future__ import annotations

from twisted.logger import capturedLogs, formatEvent

from ixproxy.storage.restores import RESTORED_STEP, epoch_after_restore


def test_a_restore_leaves_out_epochs_and_says_which_and_why() -> None:
    with capturedLogs() as events:
        assert epoch_after_restore(7, "node.db came back") == 7 + RESTORED_STEP == 5007
    assert [formatEvent(event) for event in events] == [
        "node.db came back. Epochs 8 to 5006 are left out, for ids may have been made in them"
    ]
    assert [event["log_level"].name for event in events] == ["warn"]
