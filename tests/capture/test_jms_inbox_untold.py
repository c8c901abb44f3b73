"""What an inbox says of refused operations where nobody is told of them."""

from __future__ import annotations

import pytest

from ixproxy.capture.jms_words import REFUSED
from ixproxy.node.intake_work import Problem, Result, Verb
from tests.capture.test_jms_inbox import Rig


@pytest.mark.parametrize("replies", [False, True])
def test_where_nobody_is_told_the_copy_says_what_was_refused(replies: bool) -> None:
    rig = Rig(notification_queue="out" if replies else "")
    refused = Result(verb=Verb.SUBMIT, problem=Problem(3032, "no queue Inbuond"))
    rig.intake.results_of = lambda given: [Result(verb=Verb.SUBMIT), refused]
    rig.give("a")
    rig.later()
    why = "not all of it was done: operation 2: 3032: no queue Inbuond"
    ((settled,),) = rig.link.groups
    assert settled.queue == "done"
    assert settled.properties == ({} if replies else {REFUSED: why})
    assert rig.intake.partly_refusals == ([] if replies else [("a", why)])
    assert rig.intake.refusals == []
