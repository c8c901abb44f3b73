"""A client whose every request is in the history."""

from __future__ import annotations

from pathlib import Path

from twisted.internet.defer import Deferred

from ixproxy import messages as m
from ixproxy.errors import Code
from ixproxy.testing.chaos_asking import Asking
from ixproxy.testing.chaos_history import DONE, History
from ixproxy.testing.cluster import Cluster
from ixproxy.values import ClientType


def test_what_is_asked_is_in_the_history_with_its_outcome(tmp_path: Path) -> None:
    cluster, history = Cluster(), History(tmp_path / "history.jsonl")
    client = cluster.client("mail-1", ClientType.MEDIA_SERVER)
    asker = Asking(cluster.clock, history, "mail-1", client)
    submit = m.RequestSubmit(tenant_id=1, media_type="email", queue="In", submit_receipt="R1")
    answer, _ = cluster.finish(Deferred.fromCoroutine(asker.ask(submit)))
    show = m.RequestGetInteractionProperties(tenant_id=1, interaction_id="nobody")
    _, refusal = cluster.finish(Deferred.fromCoroutine(asker.ask(show)))
    assert refusal.code == Code.UNKNOWN_INTERACTION
    first, second = history.requests
    assert (first.request, first.receipt, first.code) == ("RequestSubmit", "R1", DONE)
    assert first.result == (answer.interaction_id,)
    assert first.asked < first.answered
    assert (second.about, second.code) == ("nobody", Code.UNKNOWN_INTERACTION)
    assert asker.problems == []
    cluster.close()


def test_who_comes_is_registered_at_one_of_the_places(tmp_path: Path) -> None:
    cluster, history = Cluster(), History(tmp_path / "history.jsonl")
    where = [cluster.network.client_endpoint("proxy1:7001", "here")]
    coming = Asking.come(cluster.clock, history, list(where), "mail-1", "MediaServer")
    asker = cluster.finish(Deferred.fromCoroutine(coming))
    assert asker.client.connected
    pull = m.RequestPull(tenant_id=1, view_id="In/All")
    answer, _ = cluster.finish(
        Deferred.fromCoroutine(
            asker.ask(m.RequestSubmit(tenant_id=1, media_type="email", queue="In"))
        )
    )
    router = cluster.client("router-1", ClientType.ROUTING_ENGINE)
    pulling = Asking(cluster.clock, history, "router-1", router)
    cluster.finish(Deferred.fromCoroutine(pulling.ask(pull)))
    assert history.requests[-1].result == (answer.interaction_id,)
    cluster.finish(asker.client.close())
    cluster.close()
