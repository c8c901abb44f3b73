"""What a plug-in author implements; the docstrings are the manual."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from twisted.plugin import IPlugin
from zope.interface import Attribute, Interface

from ixproxy.interfaces_capture import ICapturePoint
from ixproxy.interfaces_eventlog import IEventLog
from ixproxy.interfaces_store import ILease as ILease
from ixproxy.interfaces_store import IStoreReader as IStoreReader
from ixproxy.values import Ask, Dialect, Draft, NodeName, NodeView, PullAttributes


class IRoutingStrategy(Interface):
    """
    Decides which node takes a new interaction.

    One object serves one proxy for as long as its configuration stands; it
    may keep memory (a pointer, weights) but does no I/O and reads no clock.
    """

    def rank(draft: Draft, nodes: Sequence[NodeView]) -> Sequence[NodeName]:
        """
        Name the nodes that may take `draft`, best first.

        Called once for each submission, in the reactor thread: it must not
        block. A node that refuses for being full or closing passes the draft
        on to the next in rank; one that went silent does not, for it may have
        stored it.

        :param nodes: the candidates that are linked, in name order; never
            empty.
        :return: names out of `nodes`, each once. Empty: the draft is refused
            with code 2001.
        :raise Exception: anything raised is logged with the strategy's name
            and the submission is refused with code 3007; nothing else breaks.
        """


class IPullStrategy(Interface):
    """
    Decides whom to ask when a client pulls by a view, and how long each holds.

    One object serves one proxy; the same rules as for `IRoutingStrategy`.
    """

    def order(pull: PullAttributes, nodes: Sequence[NodeView]) -> Sequence[Ask]:
        """
        Plan the pull: the steps are taken one after another until one gives.

        :param nodes: the linked nodes of the tenant, in name order; never
            empty.
        :return: steps naming nodes out of `nodes`, each once; a node left out
            is not asked. `hold` is in seconds and is cut down to what is left
            of the pull's time; it only counts where `pull.for_strategy`.
            Empty: the answer is empty.
        :raise Exception: as for a routing strategy.
        """


@dataclass(slots=True)
class Gathered:
    """
    One fan-out, as its merge policy sees it.

    :ivar awaited: nodes that were asked and have not answered.
    :ivar answers: node to its answer's body: attribute to value, undecoded
        where the policy has no need to look inside.
    :ivar refusals: node to the code of its error reply.
    :ivar lost: nodes whose link was lost, or whose time was up, after asking.
    :ivar absent: nodes that were known to be away when the others were asked.
    """

    awaited: set[NodeName] = field(default_factory=set)
    answers: dict[NodeName, Mapping[str, Any]] = field(default_factory=dict)
    refusals: dict[NodeName, int] = field(default_factory=dict)
    lost: set[NodeName] = field(default_factory=set)
    absent: set[NodeName] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Merged:
    """
    What a merge policy answers with: the nodes whose answers are used, in
    order; or the error `code` (its `refused_by` passes that node's own error
    reply on unchanged).
    """

    nodes: Sequence[NodeName] = ()
    partial: bool = False
    code: int = 0
    refused_by: NodeName | None = None


class IMergePolicy(Interface):
    """
    Makes one reply out of a fan-out's many.

    One object serves all fan-outs of a proxy: it must keep no memory of them.
    How attributes of the chosen answers merge is said by the names table.
    """

    def settled(gathered: Gathered) -> bool:
        """
        Say whether to answer now; asked after each answer, refusal and loss.

        Once nothing is awaited the fan-out is settled whatever this says.
        """

    def merge(gathered: Gathered) -> Merged:
        """
        Choose the answer; called once, when settled or when time is up (nodes
        still awaited are then moved to `lost`).

        Where something is lost or absent the reply must not pass for a whole
        one: an error, or `partial`.
        """


class IStrategyMaker(IPlugin):
    """What all makers have in common."""

    name: str = Attribute("What `use = …` says; lower case, digits and hyphens; unique.")
    summary: str = Attribute("One line for `ixctl plugins`.")


class IRoutingStrategyMaker(IStrategyMaker):
    """Builds a routing strategy from the table that names it."""

    def make(settings: Mapping[str, object]) -> IRoutingStrategy:
        """
        :param settings: the table's other keys.
        :raise ixproxy.errors.ConfigError: a setting is unknown or unusable.
        """


class IPullStrategyMaker(IStrategyMaker):
    """Builds a pull strategy from the table that names it."""

    def make(settings: Mapping[str, object]) -> IPullStrategy:
        """As `IRoutingStrategyMaker.make`."""


class IMergePolicyMaker(IStrategyMaker):
    """Builds a merge policy from the table that names it."""

    def make(settings: Mapping[str, object]) -> IMergePolicy:
        """As `IRoutingStrategyMaker.make`."""


class IStoreMaker(IStrategyMaker):
    """Opens stores of one kind: `name` is the scheme of the `store` address."""

    def make(settings: Mapping[str, object]) -> IStore:
        """
        :param settings: `address`: the whole address, and `custom_columns`:
            column name to `string`, `number` or `timestamp`.
        :raise ixproxy.errors.ConfigError: the address is not usable.
        """


class ICapturePointMaker(IStrategyMaker):
    """Builds a capture point from one `capture` table of a node."""

    def make(settings: Mapping[str, object]) -> ICapturePoint:
        """
        :param settings: the table's other keys but `name`, `use` and those that
            the node itself serves.
        :raise ixproxy.errors.ConfigError: a setting is unknown or unusable.
        """


class IEventLogMaker(IStrategyMaker):
    """Builds event logs of one kind: `name` is the scheme of the log's `address`."""

    def make(settings: Mapping[str, object]) -> IEventLog:
        """
        :param settings: `address`, `custom-fields`, `custom-events`, `log-userdata` and
            `delete-on-logout`; `schema-name` and `delivery-queue-name` where given.
            `ixproxy.config_eventlog` says what they hold.
        :raise ixproxy.errors.ConfigError: a setting is unusable.
        """


class IStore(Interface):
    """
    Where a node keeps its state: rows in and out, and selections of them.

    All methods but `reader` and `abandon` are called by one thread, the node's
    writer, and may block. Rows are the frozen values of `ixproxy.node.rows`.
    """

    dialect: Dialect = Attribute("In which SQL its selections' expressions must be written.")

    def lease() -> ILease:
        """
        The right to open its database, for a server that has to share it with
        the other one of its pair; asked for once, before `open`.
        """

    def abandon() -> None:
        """
        Whatever is under way is to fail soon, and nothing to begin any more.

        May be called from any thread, when the server may not be primary any
        longer; must not block.
        """

    def open(now: float) -> int:
        """
        Open or make the database and begin a new lease: the epoch that every
        later transaction makes sure of.

        Checks the schema version and upgrades older ones; raises the epoch
        durably; stores `now` as the loss of every session that was connected.

        :return: the new epoch, 1 or greater.
        :raise ixproxy.errors.StorageError: names what is wrong: a newer
            schema, no permission; `StoreUnreachable`: nobody is there to ask.
        """

    def close() -> None:
        """Close every connection; harmless when closed."""

    def last_event_number() -> int:
        """The number written by the last commit, 0 in a new database."""

    def last_queue_seq() -> int:
        """The highest `queue_seq` ever stored, 0 in a new database."""

    def begin() -> None:
        """Start the one transaction that all reads and writes join."""

    def write(puts: Sequence[Any], deletes: Sequence[tuple[str, tuple[Any, ...]]]) -> None:
        """
        Put whole rows and delete by (table, key), in batched statements.

        :raise ixproxy.errors.StorageError: the transaction is of no more use.
        """

    def commit(last_event_number: int) -> None:
        """
        Write the batch mark and commit durably.

        :raise ixproxy.errors.StorageError: it did not happen.
        :raise ixproxy.errors.CommitUncertain: not known; call `reopen`.
        """

    def rollback() -> None:
        """Forget the transaction; harmless without one."""

    def reopen() -> int:
        """
        Open the database again after `CommitUncertain`, without a new lease.

        :return: the batch mark that is stored: it decides whether the
            uncertain commit happened.
        :raise ixproxy.errors.StorageError: it cannot be read.
        """

    def fetch(table: str, keys: Iterable[tuple[Any, ...]]) -> list[Any]:
        """The rows with these primary keys, in any order, few statements."""

    def fetch_by(table: str, column: str, values: Iterable[Any]) -> list[Any]:
        """The rows whose `column` is one of `values`."""

    def due_timers(now: float, limit: int) -> list[Any]:
        """Timer rows due at or before `now`, earliest first."""

    def next_due() -> float | None:
        """When the earliest timer is due."""

    def expire_receipts(created_before: float, limit: int) -> int:
        """Delete old receipts; how many were deleted."""

    def expire_documents(kept_until: float, limit: int) -> int:
        """Delete receipts of documents that were to be kept until then, or shorter."""

    def newest(submitted_by: str, external_ids: Iterable[str], limit: int) -> list[Any]:
        """
        Of the interactions that somebody has submitted, for each of some
        external ids the newest `limit` ones, in any order.

        Of those submitted at the same time the one with the greatest id is the newest.
        """

    def select(selection: Any, now: float) -> list[Any]:
        """
        Interaction rows by an `ixproxy.node.selections.Selection`, in its
        order; sees what this transaction has written.
        """

    def members(snapshot_id: int, start: int, limit: int) -> list[Any]:
        """
        The first `limit` members of a snapshot whose position is `start` or
        greater, in the order of their positions.
        """

    def count(selection: Any, now: float) -> int:
        """
        How many rows a selection has in all, its order and limit left out;
        asked at start and at times, for the load facts of a view.
        """

    def counts() -> list[tuple[int, str, str, int, int, int]]:
        """
        How much is stored: (tenant id, media type, queue, state, number of
        interactions, number of those that are neither locked nor on hold);
        read once at start.
        """

    def outbox(consumer: str, limit: int, after: int = 0) -> list[Any]:
        """The oldest outbox rows of a consumer whose numbers are greater than `after`."""

    def outbox_size(consumer: str) -> int:
        """How many outbox rows a consumer has; asked at start."""

    def newest_outbox(consumer: str) -> Any | None:
        """The outbox row of a consumer with the greatest number, None where it has none."""

    def outbox_consumers() -> list[str]:
        """All who have outbox rows, in order; costs as much as there are of them, not of rows."""

    def prepare_views(selections: Sequence[tuple[str, Any]]) -> None:
        """Make the partial index of each named view's selection, drop others'."""

    def reader() -> Any:
        """
        One more connection that only reads, as an `IStoreReader`, for use by
        one other thread at a time. It need not be open before the first read:
        what may take long can only then be interrupted.
        """
