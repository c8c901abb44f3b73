"""What the author of a capture point implements; the docstrings are the manual."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface


class IIntake(Interface):
    """
    Where a capture point hands work in; each has one of its own, given by its node.

    All methods are called in the reactor thread.
    """

    name: str = Attribute("Of the capture point: what it submits is submitted by this.")
    node: str = Attribute("Of the node's server, for texts and logs.")
    reactor: Any = Attribute("The reactor: time, timers, connections, threads.")

    def take(document: Any) -> Deferred[Any]:
        """
        Have an `ixproxy.node.intake_work.Document` done.

        :return: fires with a `Taken` once all of it is durable, also where
            operations of it were refused. Until then the source must not be
            told that it can forget the document. Never fires at once. With a
            `problem`, the document belongs into the error place.
        :raise ixproxy.errors.RequestRefused: by the Deferred: nothing of it was
            done, or, `in_doubt`, nobody knows; with a receipt it can be given
            again in both cases. `ixproxy.node.intake_work.comes_again` says
            whether it should be, some seconds later; else it never will be
            taken (too many operations, a value that cannot be stored), and
            belongs into the error place.
        """

    def room() -> bool:
        """Whether another document is welcome now; a capture point reads no more until it is."""

    def when_room(told: Callable[[], object]) -> None:
        """Call `told` once, as soon as there is room again; at once where there is."""

    def refused(why: str, name: str = "") -> None:
        """
        Count a document that belongs in the error place, and log why.

        :param name: the source's name of it.
        """

    def partly_refused(why: str, name: str = "") -> None:
        """
        Log which operations of a document were refused while others were done.

        Only where nobody is told: where its source waits for results, or gets replies, it knows.

        :param name: the source's name of it.
        """


class ICapturePoint(Interface):
    """
    Brings interactions in from where they are, and sends out what becomes of them.

    One object serves one term of a node's primary: it is made, begins, ends.
    It never blocks the reactor: what blocks is done in threads of the reactor's pool.
    Whatever the outside does (nobody there, bad bytes, a full disk) it keeps
    trying, says so once in the log and in `figures`, and raises nothing.
    """

    wanted: frozenset[Any] = Attribute(
        "Which `Said` it wants to be told besides replies; empty: none, and no "
        "replies either where its documents have `replies` off."
    )

    def begin(intake: IIntake) -> None:
        """The node is primary: connect, and hand in what comes."""

    def end() -> Deferred[None]:
        """
        Take nothing more in, and let go of the outside; fires when that is
        done. Its node waits two seconds for it at most.

        What was handed in and is not answered yet stays with the source.
        """

    def tell(notifications: Sequence[Any]) -> Deferred[None]:
        """
        Send out some `Notification`s, in their order.

        Never called while an earlier call has not fired. Fires once the outside
        has all of them durably; an errback has them told again some seconds
        later: where `notify` is "at-most-once" only the replies, unless it is
        an `ixproxy.errors.NotTold`.
        """

    def figures() -> Mapping[str, object]:
        """
        How it is, for `ixctl status`: `state` ("connected", "connecting: why",
        "waiting: why", "idle", ...) and whatever else its kind has; small and flat.
        `problem` is what is wrong while it works all the same, and `stuck` how many
        documents are done and cannot be put away: not empty, they are among the
        problems. Every client may ask for it: it holds no secrets.
        """
