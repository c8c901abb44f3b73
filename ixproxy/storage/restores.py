"""What a database begins with that may have been put back from a copy of its past."""

from __future__ import annotations

from twisted.logger import Logger

RESTORED_STEP = 5000
"""By how much a restore raises the epoch: more than the starts that its backup may not know of."""

log = Logger()


def epoch_after_restore(stored: int, why: str) -> int:
    """
    The epoch to begin with, far above that of the copy; the log says what is left out.

    :param stored: the highest epoch that the copy knows.
    :param why: what shows that it is a copy, or may be one.
    """
    epoch = stored + RESTORED_STEP
    log.warn(
        "{why}. Epochs {first} to {last} are left out, for ids may have been made in them",
        why=why,
        first=stored + 1,
        last=epoch - 1,
    )
    return epoch
