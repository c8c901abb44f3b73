"""
The books of a load: what was handed in, taken, given back and ended.

Everything that a client of the load takes is in the books under its id until
it is given back, so a second take of what somebody has, and a refusal to
know what somebody has, are found. What waits in the queues before and after
must differ by what was handed in and what was ended.
"""

from __future__ import annotations

from dataclasses import dataclass, field

MOST_QUEUES = 1000
"""Queues that are counted at most."""


@dataclass(slots=True)
class Ledger:
    """
    :ivar held: id to the number of the client that has it.
    :ivar leaving: those that a client has asked to give back: whoever takes
        one now may hear of it before the client does.
    :ivar from_workbins: those that were fetched, and go back to a workbin when
        they are not placed.
    :ivar submitted: submits that were acknowledged; `stopped` likewise.
    :ivar placed: given back into a queue; `returned` at the end, or by revokes.
    :ivar laid: laid into a workbin, or given back there; `fetched`: taken out of one.
    :ivar doubtful_submits: submits of which nobody knows; other requests likewise.
    :ivar taken_twice: takes of what another client of the load had.
    :ivar vanished: what a client had, and no node knew any more.
    :ivar queues: every queue that something was handed into or placed in.
    """

    held: dict[str, int] = field(default_factory=dict)
    leaving: set[str] = field(default_factory=set)
    from_workbins: set[str] = field(default_factory=set)
    submitted: int = 0
    taken: int = 0
    stopped: int = 0
    placed: int = 0
    laid: int = 0
    fetched: int = 0
    returned: int = 0
    doubtful_submits: int = 0
    doubtful_stops: int = 0
    doubtful_moves: int = 0
    taken_twice: int = 0
    vanished: set[str] = field(default_factory=set)
    queues: set[str] = field(default_factory=set)
    waiting_before: int | None = None
    waiting_after: int | None = None

    def took(self, identifier: str, client: int, *, fetched: bool = False) -> None:
        """A client was handed an interaction, out of a view or `fetched` out of a workbin."""
        self.fetched += fetched
        if fetched:
            self.from_workbins.add(identifier)
        self.taken += 1
        self.taken_twice += identifier in self.held and identifier not in self.leaving
        self.held[identifier] = client

    def gone(self, identifier: str, client: int) -> None:
        """A client has it no more; somebody else may have it already."""
        if self.held.get(identifier) == client:
            del self.held[identifier]
            self.from_workbins.discard(identifier)

    def lost(self, identifier: str, client: int) -> None:
        """No node says that a client has what it had."""
        self.gone(identifier, client)
        self.vanished.add(identifier)

    def revoked(self, identifier: str, client: int) -> bool:
        """
        A node took something back.

        :return: whether the client had it; the refusal of what it asked may have come first.
        """
        if identifier in self.vanished:
            self.vanished.remove(identifier)
        elif self.held.get(identifier) != client:
            return False
        self.laid += identifier in self.from_workbins
        self.gone(identifier, client)
        self.returned += 1
        return True

    def handed_into(self, queue: str) -> None:
        """Something was put into a queue."""
        if len(self.queues) < MOST_QUEUES:
            self.queues.add(queue)

    def all_returned(self) -> None:
        """The clients said goodbye: what they had went back."""
        self.returned += len(self.held)
        self.laid += len(self.from_workbins)
        self.held.clear()
        self.from_workbins.clear()

    @property
    def expected(self) -> tuple[int, int]:
        """How many more should wait than before, at least and at most."""
        known = self.submitted - self.stopped - (self.laid - self.fetched)
        less = self.doubtful_stops + self.doubtful_moves + len(self.vanished)
        return known - less, known + self.doubtful_submits + self.doubtful_moves

    @property
    def right(self) -> bool | None:
        """Whether all of it adds up; None: nothing is wrong, but the queues are not known."""
        if self.taken_twice or self.vanished:
            return False
        if self.waiting_before is None or self.waiting_after is None:
            return None
        least, most = self.expected
        return least <= self.waiting_after - self.waiting_before <= most

    def record(self) -> dict[str, object]:
        """As `--json` prints it."""
        least, most = self.expected
        return {
            "right": self.right,
            "submitted": self.submitted,
            "taken": self.taken,
            "stopped": self.stopped,
            "placed": self.placed,
            "laid_into_workbins": self.laid,
            "fetched_from_workbins": self.fetched,
            "given_back": self.returned,
            "in_doubt": {
                "submits": self.doubtful_submits,
                "stops": self.doubtful_stops,
                "moves": self.doubtful_moves,
            },
            "taken_twice": self.taken_twice,
            "vanished": len(self.vanished),
            "waiting": {
                "before": self.waiting_before,
                "after": self.waiting_after,
                "expected_more": [least, most],
            },
        }

    def lines(self) -> list[str]:
        """For persons."""
        lines = [
            f"{self.submitted} submitted; {self.taken} taken: {self.stopped} stopped, "
            f"{self.placed} placed in a queue, {self.returned} given back"
        ]
        if self.laid or self.fetched:
            lines.append(f"{self.laid} laid into workbins, {self.fetched} fetched from there")
        if doubts := self.doubtful_submits + self.doubtful_stops + self.doubtful_moves:
            lines.append(f"{doubts} are in doubt: they may have been carried out")
        if self.taken_twice:
            lines.append(f"WRONG: {self.taken_twice} were handed to two clients at once")
        if self.vanished:
            lines.append(f"WRONG: {len(self.vanished)} vanished from the clients that had them")
        return [*lines, self._waiting()]

    def _waiting(self) -> str:
        if self.waiting_before is None or self.waiting_after is None:
            return "how much waits in the queues is not known"
        text = f"{self.waiting_before} waited in the queues before, {self.waiting_after} do now: "
        least, most = self.expected
        more = self.waiting_after - self.waiting_before
        if least <= more <= most:
            return text + "that is right"
        wanted = f"{least:+}" if least == most else f"{least:+} to {most:+}"
        return (
            f"{text}{more:+}, where {wanted} would be right; has anybody else worked on them, or "
            "are takes in doubt that are not back yet?"
        )
