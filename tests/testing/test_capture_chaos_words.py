"""Documents of capture chaos: drawn by a seed, and as XML; tables for the deployment file."""

from __future__ import annotations

import tomllib
from random import Random

import pytest

from ixproxy.capture.refusing import DocumentRefused
from ixproxy.capture.xml_reading import read_document
from ixproxy.testing.capture_chaos_words import BAD, NOWHERE, QUEUE, Given, Sort, draw, toml, xml

MANY = 2000


def test_some_documents_are_bad_and_a_seed_draws_the_same_ones() -> None:
    drawn = draw(MANY, tuple(Sort), Random(1))
    assert drawn == draw(MANY, tuple(Sort), Random(1))
    assert {given.sort for given in drawn} == set(Sort)
    assert MANY // 50 < sum(given.bad for given in drawn) < MANY // 20
    assert len({id for given in drawn for id in given.submits}) == sum(
        len(given.submits) for given in drawn
    )


def test_only_sorts_that_a_kind_can_be_given_are_drawn() -> None:
    assert {given.sort for given in draw(MANY, [Sort.GOOD], Random(1))} == {Sort.GOOD}
    some = (Sort.GOOD, Sort.REFUSED)
    assert {given.sort for given in draw(MANY, some, Random(1))} == set(some)


@pytest.mark.parametrize("sort", [Sort.GOOD, Sort.TWO, Sort.HALF, Sort.REFUSED])
def test_what_is_submitted_and_what_is_refused_stands_in_the_document(sort: Sort) -> None:
    given = Given("d1", sort)
    asked = {
        each.external_id: each.properties["Queue"] for each in read_document(xml(given)).operations
    }
    assert asked == dict.fromkeys(given.submits, QUEUE) | dict.fromkeys(given.refused, NOWHERE)
    assert given.bad is (sort in BAD)
    assert given.bad is not bool(given.submits)


@pytest.mark.parametrize(("sort", "why"), [(Sort.TORN, "well-formed"), (Sort.VERB, "'explode'")])
def test_what_is_no_document_cannot_be_read(sort: Sort, why: str) -> None:
    with pytest.raises(DocumentRefused, match=why):
        read_document(xml(Given("d1", sort)))
    assert not Given("d1", sort).submits
    assert not Given("d1", sort).refused


def test_settings_are_read_back_as_they_were_and_endpoints_stand_in_single_quotes() -> None:
    settings = {
        "address": "tcp:127.0.0.1:61613",
        "query": "SELECT ?'A' \"B\"",
        "cycle": 0.5,
        "topics": ["a", "b"],
        "client-options": {"reconnect.backoff.max.ms": 500, "x": "y"},
    }
    text = toml(settings)
    assert tomllib.loads(text) == settings
    assert "'tcp:127.0.0.1:61613'" in text
