"""
What must never be, found by what clients were answered and by what lies in the databases.

Everything here is pure: a history, rows of all nodes, and what clients hold go
in, sentences on what is wrong come out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ixproxy.errors import Code
from ixproxy.testing.chaos_history import DONE, OPEN, Asked
from ixproxy.values import id_origin

SUBMIT, STOP = "RequestSubmit", "RequestStopProcessing"
Rows = Sequence[Mapping[str, Any]]


@dataclass(slots=True)
class Books:
    """
    What a history says of each interaction.

    :ivar ids: receipt to the ids that submits with it were answered with.
    :ivar ended: id to how often its end was acknowledged.
    :ivar perhaps: ids whose end may have been carried out.
    :ivar seen: receipt to the ids that clients took that say so of themselves.
    """

    ids: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    ended: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    perhaps: set[str] = field(default_factory=set)
    seen: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def read(self, history: Iterable[Asked]) -> Books:
        """Take in what was asked and answered."""
        for each in history:
            if each.request == SUBMIT and each.code == DONE and each.receipt:
                self.ids[each.receipt].update(each.result)
            elif each.request == STOP:
                if each.code == DONE:
                    self.ended[each.about] += 1
                elif each.in_doubt or each.code == OPEN:
                    self.perhaps.add(each.about)
        return self


def lost(books: Books, there: Iterable[str]) -> list[str]:
    """Acknowledged, ended by nobody, and in no database."""
    known = set(there)
    return [
        f"{identifier} of {receipt} was acknowledged, and is lost"
        for receipt, ids in books.ids.items()
        for identifier in sorted(ids)
        if identifier not in known
        and identifier not in books.ended
        and identifier not in books.perhaps
    ]


def doubled(books: Books, receipts: Rows, interactions: Rows = ()) -> list[str]:
    """One document that became two interactions, or one interaction on two nodes."""
    made: dict[str, set[str]] = defaultdict(set)
    for named in (books.ids, books.seen):
        for receipt, ids in named.items():
            made[receipt] |= ids
    for row in receipts:
        made[row["receipt"]].add(row["interaction_id"])
    nodes: dict[str, set[str]] = defaultdict(set)
    for row in interactions:
        nodes[row["id"]].add(row["node"])
    return [
        *(f"{receipt} became {sorted(ids)}" for receipt, ids in made.items() if len(ids) > 1),
        *(f"{key} is on {sorted(on)}" for key, on in nodes.items() if len(on) > 1),
    ]


def ended_twice(books: Books) -> list[str]:
    """Interactions whose end was acknowledged more than once."""
    return [f"{key} was ended {count} times" for key, count in books.ended.items() if count > 1]


def unanswered(history: Iterable[Asked], now: float) -> list[str]:
    """Requests that have no outcome though their time is over, or had none in their time."""
    wrong = []
    for each in history:
        what = f"{each.request} of {each.client} about {each.about or each.receipt or 'nothing'}"
        if each.code == OPEN and now - each.asked > each.patience:
            wrong.append(f"{what} has no answer")
        elif each.late:
            wrong.append(f"{what} had no answer within {each.patience:g} s ({each.code})")
    return wrong


def unknown_too_early(history: Iterable[Asked]) -> list[str]:
    """Interactions that a node did not know, though nobody can have ended them before."""
    first_end: dict[str, float] = {}
    requests = list(history)
    for each in requests:
        if each.request == STOP and (each.code in (DONE, OPEN) or each.in_doubt):
            first_end[each.about] = min(each.asked, first_end.get(each.about, each.asked))
    return [
        f"{each.about} was unknown to {each.request} of {each.client}, and nobody had ended it"
        for each in requests
        if each.code == Code.UNKNOWN_INTERACTION
        and each.about
        and each.answered < first_end.get(each.about, float("inf"))
    ]


def deposed_writers(history: Iterable[Asked]) -> list[str]:
    """
    Submits that a deposed primary has answered.

    An id names the epoch in which it was made. Once an id of a newer epoch has
    been acknowledged, a document that is handed in for the first time can not
    get one of an older epoch of the same node.
    """
    first_asked: dict[str, float] = {}
    submits = []
    for each in history:
        if each.request == SUBMIT:
            first_asked.setdefault(each.receipt, each.asked)
            if each.code == DONE:
                submits.append(each)
    newest: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for each in sorted(submits, key=lambda each: each.answered):
        for dbid, epoch in _origins(each):
            since = newest[dbid]
            if not since or epoch > since[-1][1]:
                since.append((each.answered, epoch))
    wrong = []
    for each in submits:
        for dbid, epoch in _origins(each):
            asked = first_asked[each.receipt] if each.receipt else each.asked
            later = [known for at, known in newest[dbid] if known > epoch and at < asked]
            if later:
                wrong.append(
                    f"{each.result} of {each.receipt} is of epoch {epoch}, "
                    f"and was asked for when {later[0]} had begun"
                )
    return wrong


def _origins(each: Asked) -> Iterator[tuple[int, int]]:
    for identifier in each.result:
        if (dbid := id_origin(identifier)) is not None:
            yield dbid, int(identifier[6:10], 36)


def agents_apart(agents: Rows, nodes: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """
    Where nodes do not agree about who is logged in.

    :param agents: rows of all nodes.
    :param wanted: agents that believe that they are logged in.
    """
    of_node: dict[str, dict[str, tuple[Any, ...]]] = {node: {} for node in nodes}
    for row in agents:
        if row["confirmed"]:
            facts = row["number"], row["dbid"], row["place_id"], row["donot_disturb"]
            of_node[row["node"]][row["agent_id"]] = facts
    wrong = []
    everybody = sorted(set(wanted).union(*of_node.values()))
    for agent in everybody:
        found = {node: of_node[node].get(agent) for node in of_node}
        if len(set(found.values())) > 1:
            wrong.append(f"{agent} is {found}")
        elif agent in wanted and None in found.values():
            wrong.append(f"{agent} is logged in on no node, and believes to be")
    return wrong
