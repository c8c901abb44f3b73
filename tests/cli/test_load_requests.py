"""The requests of a load."""

from __future__ import annotations

from itertools import repeat

import pytest

from ixproxy import messages as m
from ixproxy.cli.load_content import Content
from ixproxy.cli.load_hands import Act, Hands
from ixproxy.cli.load_ledger import Ledger
from ixproxy.cli.load_mix import Kind
from ixproxy.cli.load_requests import Places, Requests, revoked
from ixproxy.wire.codec import decode, encode
from ixproxy.wire.prefix import read_frame

PLACES = Places(1, "email", "It's", "In/All", "Done", m.Workbin(workbin_type_id="Drafts"))


def requests_of(content: Content = Content({"a": "b"})) -> Requests:  # noqa: B008
    return Requests(PLACES, repeat(content))


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_a_request_that_can_be_sent(kind: Kind) -> None:
    request = requests_of().of(Act(kind, "subject"))
    assert decode(read_frame(encode(request))) == request
    assert getattr(request, "tenant_id", 1) == 1


def test_a_row_that_says_media_type_and_queue_is_followed() -> None:
    submit = requests_of(Content({}, "chat", "Other")).of(Act(Kind.SUBMIT))
    assert isinstance(submit, m.RequestSubmit)
    assert (submit.media_type, submit.queue) == ("chat", "Other")


def test_a_queue_with_a_quote_in_its_name_can_be_searched() -> None:
    find = requests_of().of(Act(Kind.FIND))
    assert isinstance(find, m.RequestFindInteractions)
    assert find.condition == "Queue = 'It''s'"


def test_answers_go_into_hands_and_books() -> None:
    ledger = Ledger()
    hands, requests = Hands(1, ledger, True, 1, "a"), requests_of()

    def answered(act: Act, answer: m.Message) -> bool:
        return requests.answered(hands, act, requests.of(act), answer)

    assert not answered(Act(Kind.SUBMIT), m.EventAck(interaction_id="x"))
    assert answered(Act(Kind.PULL), m.EventPulledInteractions())
    taken = m.EventPulledInteractions(interactions={"x": {}})
    assert not answered(Act(Kind.PULL), taken)
    assert not answered(hands.choose(Kind.WORKBIN), m.EventAck())
    assert not answered(hands.choose(Kind.FETCH), taken)
    assert not answered(Act(Kind.CONTENT), m.EventWorkbinContent())
    assert (ledger.submitted, ledger.taken, ledger.laid, ledger.fetched) == (1, 2, 1, 1)
    assert ledger.queues == {"It's"}
    revoked(hands, m.EventAgentLogout())
    assert ledger.held == {"x": 1}
    revoked(hands, m.EventRevoked(interaction_id="x"))
    assert ledger.held == {}


def test_the_queues_of_a_load_are_those_that_its_options_name() -> None:
    assert requests_of().queues() == {"It's", "Done", "In"}
    assert Requests(Places(1), repeat(Content({}))).queues() == set()
