"""
One run: a world, its players, and the steps that happen to them.

Theory of operation: a step begins something and does not wait for it. What
comes of it is noted when it comes, and looked at by the rules of answers;
every commit of a node is looked at by the ledger; after each step the rules
of the moment are asked. The first broken rule ends the run. When all steps
are done everything is healed and comes to rest, and the rules of rest are
asked; then all is worked off, everybody leaves, and the rules of the end are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure

from ixproxy import messages as m
from ixproxy.client import Client
from ixproxy.errors import RequestRefused
from ixproxy.interfaces import IStore
from ixproxy.messages.message import Message, Request
from ixproxy.node.leading import State
from ixproxy.testing.at_rest import remembered
from ixproxy.testing.memory_nodes import MemoryNode
from ixproxy.testing.places import Places
from ixproxy.testing.simulation.calls import Calls
from ixproxy.testing.simulation.history import Breach, History
from ixproxy.testing.simulation.ledger import Ledger, ObservedStore
from ixproxy.testing.simulation.logged import Logged
from ixproxy.testing.simulation.logs import NodeLogs
from ixproxy.testing.simulation.players import SORTS, Asked, Player
from ixproxy.testing.simulation.pushed_work import PushedWork
from ixproxy.testing.simulation.service import Service
from ixproxy.testing.simulation.stepping import Draws, Step
from ixproxy.testing.simulation.worlds import World, built
from ixproxy.testing.watching import StreamWatch

K = TypeVar("K")

Do = Callable[["Run", Draws], None]
Mend = Callable[[], None]

GIVEN_UP = "given up"
"""As what a request is refused for which its client does not wait any longer."""
_SETTLED_LATE = (m.RequestDeliver, m.RequestTransfer, m.RequestConference, m.RequestRouteCall)


class Run:
    """
    A world in which steps happen.

    :ivar players: all clients that ever were, in the order in which they came.
    :ivar asked: all requests.
    :ivar ids: interactions that somebody was told of, in that order.
    :ivar breach: the first broken rule.
    """

    def __init__(self, world: World, stores: Places | None = None) -> None:
        self.world = world
        self.history = History()
        self.ledger = Ledger(self.broken, self._begun_anew)
        self.breach: Breach | None = None
        self.step = 0
        self.players: list[Player] = []
        self.asked: list[Asked] = []
        self.open: dict[Asked, None] = {}
        self.ids: dict[str, None] = {}
        self.doubtful_submits: list[Asked] = []
        self.ended: dict[str, int] = {}
        self.doubtful: dict[str, int] = {}
        self.sure: dict[str, set[str]] = {}
        """Interaction id to the marks that were acknowledged."""
        self.targets: dict[str, set[str]] = {}
        """Interaction id to the agents to whom somebody wanted to give it."""
        self.answered_at: dict[str, float] = {}
        """Interaction id to when something that was asked of it was answered last."""
        self.mends: dict[str, Mend] = {}
        """What is broken now, and what mends it."""
        self.down: dict[str, float] = {}
        """Nodes that are not there, and since when."""
        self.on_answer: Sequence[Callable[[Run, Asked], Iterable[str]]] = ()
        self.on_event: Sequence[Callable[[Run, Player, Message], Iterable[str]]] = ()
        self._kept: dict[type[Any], Any] = {}
        self.seats = world.seats
        self.seats_changed = False
        """Whether an operator has ever made them others: who has none then is sent away."""
        self.marks = 0
        self.own: dict[str, Asked] = {}
        """Interaction id that a client has given to the submit that did so last."""
        self.empty: dict[str, int] = {}
        """What all programs remembered before anybody came."""
        self.fresh: StreamWatch | None = None
        """Reads the stream that began at rest."""
        self.last: Player | None = None
        """Who works everything off."""
        self.logged: list[str] = []
        self.calls = Calls(world.services, self.broken)
        self.pushed = PushedWork(world, self.broken)
        self.ledger.books.append(self.pushed)
        self.cluster = built(world, stores, self.calls.servers)
        self.calls.clock = self.cluster.clock
        for node in self.cluster.nodes:
            node.at_database = partial(self._observed, node)
        self.logs = NodeLogs(self.cluster.nodes) if world.logs else None
        if self.logs is not None:
            self.ledger.books.append(self.logs)
        self._stores: dict[str, ObservedStore] = {}
        self.service = Service(self.cluster, world, self.broken, self._failing, self._full)
        self.lives: dict[str, State] = {}
        """Server of a node to what it said last of what it is: primary, or waiting."""
        self._observer = Logged(self.logged, self.lives)

    def _observed(self, node: MemoryNode, server: str, store: IStore) -> IStore:
        self._stores[server] = observed = ObservedStore(store, node.name, self.ledger)
        return observed

    def store(self, node: MemoryNode) -> ObservedStore:
        """The store of a node's primary, or of whichever was it last."""
        return self._stores[node.host]

    def _failing(self, node: MemoryNode) -> bool:
        return self.store(node).about_to_fail("commit")

    def _full(self, node: MemoryNode) -> bool:
        return "commit" in self.store(node).broken

    def fail_no_more(self) -> None:
        """No store fails by plan from now on."""
        for store in self._stores.values():
            store.fail_no_more()

    def begin(self) -> None:
        """Start all programs, and connect the clients that there are at first."""
        globalLogPublisher.addObserver(self._observer)
        cluster, world = self.cluster, self.world
        for node in cluster.nodes:
            node.start()
        for proxy in cluster.proxies:
            proxy.start()
        for outer in cluster.outers:
            outer.start()
        cluster.run_until(self._ready, "the cluster never begins to work")
        cluster.run(0.5)
        self.service.begin()
        self.empty = remembered(cluster)
        for sort, count in (
            ("mail", world.media),
            ("router", world.routers),
            ("desk", world.desks),
            ("stat", world.reporters),
        ):
            for number in range(count):
                through = (number + world.seed) % len(cluster.fronts)
                self.come(sort, through)
        self.pushed.begin(self.come)
        cluster.run_until(
            lambda: all(player.client is not None for player in self.players),
            "the first clients never come in",
        )

    def _ready(self) -> bool:
        cluster = self.cluster
        nodes = len(cluster.nodes)
        return (
            all(node.listening for node in cluster.nodes)
            and all(proxy.linked == nodes for proxy in cluster.proxies)
            and all(outer.linked for outer in cluster.outers)
        )

    def close(self) -> None:
        """End it all."""
        globalLogPublisher.removeObserver(self._observer)
        self.cluster.close()

    # What is told and noted.

    def now(self) -> float:
        """Seconds since the beginning."""
        return self.cluster.seconds()

    def tell(self, text: str, *about: Any) -> None:
        """Something happens, by the step that runs."""
        self.history.add(self.now(), self.step, text, *about)

    def broken(self, rule: str, text: str) -> None:
        """A rule is broken; only the first counts."""
        if self.breach is None:
            self.breach = Breach(rule, text, self.now(), self.step)
            self.history.add(self.now(), 0, f"BROKEN {rule}: {{}}", text)

    def check(self, rules: Iterable[Callable[[Run], Iterable[str]]]) -> None:
        """Ask some rules."""
        for rule in rules:
            if self.breach is not None:
                return
            for text in rule(self):
                self.broken(rule.__name__, text)
                return

    # Who is there.

    def come(self, sort: str, through: int | None, **how: Any) -> Player:
        """
        A client begins to connect.

        :param through: which proxy first; None: any, in turn.
        :param how: more for `Cluster.connecting`.
        """
        number = sum(player.sort == sort for player in self.players)
        player = Player(f"{sort}-{number + 1}", sort, since=self.now())
        if sort == "stat":
            player.watch = StreamWatch(player.name)
        self.players.append(player)
        fronts = len(self.cluster.fronts)
        order = None
        if through is not None:
            order = [(through + each) % fronts for each in range(fronts)]
        player.host, connected = self.cluster.connecting(
            player.name, SORTS[sort], proxy=order, on_event=partial(self._heard, player), **how
        )
        connected.addCallbacks(partial(self._came, player), partial(self._not_come, player))
        return player

    def _came(self, player: Player, client: Client) -> None:
        player.client = client
        player.session = client.session
        player.since = self.now()
        client.on_connection(partial(self._moved, player))
        self.tell("{} is connected", player.name)
        if player.watch is not None and not player.left:
            self.ask(player, m.RequestStartPlaceAgentStateReportingAll())

    def _moved(self, player: Player, server: m.ServerFacts | None) -> None:
        player.since = self.now()
        self.tell("{} is {}", player.name, f"connected to {server.name}" if server else "cut off")

    def _not_come(self, player: Player, failure: Failure) -> None:
        player.leaves(self.now())
        self.tell("{} cannot connect: {}", player.name, failure.value)

    def there(self, *sorts: str) -> list[Player]:
        """The players of some sorts that are there, connected or not."""
        return [
            player
            for player in self.players
            if player.client is not None and not player.left and player.sort in sorts
        ]

    def _heard(self, player: Player, event: Message) -> None:
        player.event_received(event)
        if player.watch is not None:
            player.watch.event_received(event)
        identifier = getattr(event, "interaction_id", "")
        if identifier and player.sort != "stat":
            self.history.add(self.now(), 0, "{} hears {}", player.name, event)
            # Who hears of a workbin has a rule of its own.
            workbin = isinstance(event, m.EventWorkbinContentChanged)
            if not workbin and not self._concerns(player, identifier):
                self.broken(
                    "nobody_is_told_of_what_is_not_theirs",
                    f"{player.name} hears {type(event).__name__} of {identifier}",
                )
        for rule in self.on_event:
            for text in rule(self, player, event):
                self.broken(rule.__name__, text)

    def _concerns(self, player: Player, identifier: str) -> bool:
        """Whether a client, or its agent, ever had to do with an interaction."""
        ledger = self.ledger
        if player.sort == "mail":
            return ledger.submitters.get(identifier) == player.name
        if player.session in ledger.sessions_of.get(identifier, ()):
            return True
        # Who took it and lost it in one commit stands in no ledger.
        if any(
            each.player is player and identifier in getattr(each.outcome, "take_numbers", ())
            for each in self.asked
        ):
            return True
        # Who was invited and called off in one commit stands in no ledger.
        agents = ledger.agents_of.get(identifier, set()) | self.targets.get(identifier, set())
        return not player.ever.isdisjoint(agents)

    @property
    def waiting(self) -> list[Asked]:
        """The requests that somebody waits for."""
        return [asked for asked in self.open if not asked.player.left]

    def kept(self, kind: type[K]) -> K:
        """What a family of steps and rules keeps of this run; made when first wanted."""
        if kind not in self._kept:
            self._kept[kind] = kind()
        kept: K = self._kept[kind]
        return kept

    # What is asked.

    def mark(self) -> str:
        """A name for a change that no other has."""
        self.marks += 1
        return f"m{self.marks}"

    def ask(
        self,
        player: Player,
        request: Request,
        *,
        marks: tuple[str, ...] = (),
        timeout: float | None = None,
    ) -> Asked:
        """A client asks something; its answer is noted when it comes."""
        if timeout is None:
            timeout = self.world.timeout
            if isinstance(request, _SETTLED_LATE):
                timeout += self.world.delivering + 1.0
        identifier = getattr(request, "interaction_id", "")
        self.tell("{} asks {}", player.name, request)
        if isinstance(request, _SETTLED_LATE):
            self.targets.setdefault(identifier, set()).add(request.agent_id)
        asked = Asked(
            self.step,
            player,
            request,
            Deferred(),
            self.now(),
            marks,
            frozenset(self.sure.get(identifier, ())),
            there=self.ledger.births[identifier] if identifier in self.ledger.owners else 0,
        )
        self.asked.append(asked)
        self.open[asked] = None
        asked.answer = player.here.request(request, timeout)
        asked.answer.addBoth(self._answered, asked)
        return asked

    def _begun_anew(self, identifier: str) -> None:
        """An interaction that was ended is there again: what was known of it is of the first."""
        self.sure.pop(identifier, None)
        self.ended.pop(identifier, None)

    def _answered(self, result: Any, asked: Asked) -> None:
        if isinstance(result, Failure):
            if result.check(CancelledError):
                result = RequestRefused(2002, GIVEN_UP)
            elif result.check(RequestRefused):
                result = result.value
            else:
                self.broken("every_request_is_answered_once", f"{asked.name} fails: {result}")
                return
        if asked.outcome is not None:
            self.broken("every_request_is_answered_once", f"{asked.name} has two answers")
        asked.outcome, asked.answered_at = result, self.now()
        del self.open[asked]
        self.history.add(self.now(), asked.step, "{} is answered: {}", asked.player.name, result)
        asked.player.answered(asked.request, result)
        if identifier := getattr(asked.request, "interaction_id", ""):
            self.answered_at[identifier] = self.now()
        for rule in self.on_answer:
            for text in rule(self, asked):
                self.broken(rule.__name__, text)

    # What happens.

    def play(
        self,
        steps: Sequence[Step],
        kinds: dict[str, Do],
        rules: Sequence[Callable[[Run], Iterable[str]]],
    ) -> None:
        """Run steps, one after another, until a rule is broken."""
        for step in steps:
            self.step = step.number
            kinds[step.kind](self, Draws(step.chance))
            self.cluster.run(step.pause)
            self.check(rules)
            if self.breach is not None:
                return
        self.step = 0

    def outcomes(self) -> dict[str, int]:
        """How often which request came to what, for a look at what is tried."""
        counts: dict[str, int] = {}
        for asked in self.asked:
            outcome = asked.outcome
            came = outcome.code if isinstance(outcome, RequestRefused) else "yes"
            key = f"{asked.name} {came if outcome is not None else 'nothing'}"
            counts[key] = counts.get(key, 0) + 1
        return counts

    def on_hold(self) -> list[str]:
        """The interactions that are on hold."""
        return [row["id"] for row in self.cluster.rows("interactions") if row["is_held"]]
