from __future__ import annotations

from typing import Any

from ixproxy import messages as m
from ixproxy.errors import RequestRefused
from ixproxy.testing.simulation import asking
from ixproxy.testing.simulation.asking import upon
from ixproxy.testing.simulation.stepping import Draws
from tests.testing.simulation.small_worlds import one, pulled, running


def test_a_doubtful_submit_is_repeated_with_the_same_receipt() -> None:
    with running() as run:
        mail = one(run, "mail")
        submit = m.RequestSubmit(
            tenant_id=1, media_type="email", queue="In", submit_receipt="r", user_data={"tag": 1}
        )
        run.marks = 1
        first = run.ask(mail, submit, marks=("tag 1",))
        run.cluster.network.lose(mail.host)
        run.cluster.run(1.0)
        assert isinstance(first.outcome, RequestRefused)
        assert run.doubtful_submits == [first]
        asking.submit_again(run, Draws(0))
        run.cluster.run(1.0)
        again = run.asked[-1]
        assert again.request == submit
        assert isinstance(again.outcome, m.EventAck)
        assert len(run.ledger.tags[1]) == 1
        assert run.breach is None


def test_who_acts_most_often_holds_what_it_acts_upon() -> None:
    with running(routers=2) as run:
        identifier = pulled(run)
        upon(asking.stop, "router")(run, Draws(0))
        request: Any = run.asked[-1].request
        assert request == m.RequestStopProcessing(tenant_id=1, interaction_id=identifier)
        assert run.asked[-1].player.here.holding


def test_but_now_and_then_somebody_else_acts() -> None:
    with running(routers=2) as run:
        pulled(run)
        upon(asking.stop, "router")(run, Draws(99))
        assert isinstance(run.asked[-1].request, m.RequestStopProcessing)


def test_somebody_acts_on_what_it_is_just_pulling() -> None:
    with running() as run:
        router = one(run, "router")
        submit = m.RequestSubmit(tenant_id=1, media_type="email", queue="In", user_data={"tag": 1})
        run.marks = 1
        run.ask(one(run, "mail"), submit, marks=("tag 1",))
        run.cluster.run(1.0)
        (identifier,) = run.ids
        run.ask(router, m.RequestPull(tenant_id=1, view_id="In/All"))
        upon(asking.change, "router")(run, Draws(0))
        request: Any = run.asked[-1].request
        assert not router.here.holding
        assert (request.interaction_id, run.asked[-1].player) == (identifier, router)
        run.cluster.run(1.0)
        assert list(router.here.holding) == [identifier]
        assert run.breach is None


def test_each_change_has_a_mark_of_its_own() -> None:
    with running() as run:
        pulled(run)
        for _ in range(2):
            upon(asking.change, "router")(run, Draws(0))
        assert run.asked[-1].marks != run.asked[-2].marks
        run.cluster.run(0.5)
        assert set(run.ledger.marks) >= {*run.asked[-1].marks, *run.asked[-2].marks}


def test_somebody_gives_up() -> None:
    with running() as run:
        asked = run.ask(one(run, "router"), m.RequestPull(tenant_id=1, view_id="In/All"))
        asking.give_up(run, Draws(0))
        assert isinstance(asked.outcome, RequestRefused)
