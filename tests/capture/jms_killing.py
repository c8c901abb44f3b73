"""
Documents through a real broker while broker, connections and capture point are killed at random.

    python -m tests.capture.jms_killing --documents 5000 --kills 12 [--protocol amqp] [--seed 7]

The sender sends everything until the broker has confirmed it, so some messages are in the
queue twice. The node is a fake intake that keeps what it has taken; it answers
some documents with BUSY or in doubt. In the end every good document was taken
once, every bad one is in the error queue, and nothing is left; or it says what
is not so, and the seed.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater, react
from twisted.internet.threads import deferToThreadPool

from ixproxy.capture.jms import JmsCapturePoint, make
from ixproxy.testing.amqp_peer import bytes_of, drained
from ixproxy.testing.arguments import at_least_one
from ixproxy.testing.fake_intake import FakeIntake, Say
from ixproxy.testing.rabbitmq import PASSWORD, USER, RabbitmqBroker
from ixproxy.testing.stomp_peer import StompPeer, until
from tests.capture.jms_samples import name_in, submit

BAD_EVERY = 50
DEATHS = ("broker", "connection", "connection", "point", "point")
UNHAPPY = (Say.BUSY, Say.IN_DOUBT, Say.DONE_BUT_IN_DOUBT, Say.LATE)
WHOLE_SECONDS = 300.0


class KeepingIntake(FakeIntake):
    """An intake of a node that keeps what it has taken in an earlier term."""

    def __init__(self, reactor: Any, random: Random, before: FakeIntake | None) -> None:
        super().__init__(reactor)
        self._random = random
        if before is not None:
            self.taken, self.refusals = before.taken, before.refusals
            self._results = before._results

    def take(self, document: Any) -> Deferred[Any]:
        """Take most documents, and answer some unhappily."""
        if self._random.random() < 0.02:
            self.answers = [self._random.choice(UNHAPPY)]
        taking = super().take(document)
        if self.in_flight > 20:
            self.settle()
        return taking


@dataclass
class Trial:
    """One run."""

    reactor: Any
    broker: RabbitmqBroker
    protocol: str
    queues: str
    folder: Path
    count: int
    kills: int
    random: Random
    deaths: Sequence[str] = DEATHS
    died: Counter[str] = field(default_factory=Counter)
    copies: int = 0

    def __post_init__(self) -> None:
        self.good = [f"d{number}" for number in range(self.count) if number % BAD_EVERY]
        self.bad = [f"d{number}" for number in range(0, self.count, BAD_EVERY)]
        password = self.folder / "password"
        password.write_text(PASSWORD)
        port = self.broker.amqp_port if self.protocol == "amqp" else self.broker.stomp_port
        self.settings: dict[str, object] = {
            "protocol": self.protocol,
            "address": f"tcp:127.0.0.1:{port}",
            "user": USER,
            "password-file": str(password),
            "inbound-queue-name": f"{self.queues}.in",
            "processed-queue-name": f"{self.queues}.processed",
            "error-queue-name": f"{self.queues}.errors",
            "reconnect-timeout": 3,
            "max-deliveries": 0,
        }
        self.point: JmsCapturePoint = make(self.settings)
        self.intake = KeepingIntake(self.reactor, self.random, None)

    async def run(self) -> list[str]:
        """What is not as it should be."""
        self.point.begin(self.intake)
        sending = Deferred.fromCoroutine(self.send())
        for number in range(self.kills):
            mark = self.count * (number + 1) // (self.kills + 2)
            await until(self.reactor, partial(self.has_taken, mark), WHOLE_SECONDS)
            await self.die(self.deaths[number % len(self.deaths)])
        await sending
        await self.all_settled()
        await self.point.end()
        return await self.judge()

    def has_taken(self, many: int) -> bool:
        return len(self.intake.taken) >= many

    async def all_settled(self) -> None:
        """Wait until all is taken, and the broker has nothing left of it."""

        def all_taken() -> bool:
            # What is answered late waits for this where nothing more comes in.
            self.intake.settle()
            return self.has_taken(len(self.good))

        await until(self.reactor, all_taken, WHOLE_SECONDS)
        while await self.left():
            self.intake.settle()
            await deferLater(self.reactor, 0.5, lambda: None)

    async def left(self) -> int:
        """Messages of the inbound queue, as the broker counts them, given out or not."""
        pool = self.reactor.getThreadPool()
        said: str = await deferToThreadPool(
            self.reactor, pool, self.broker.control, "list_queues", "name", "messages"
        )
        counts = dict(line.split("\t") for line in said.splitlines() if "\t" in line)
        return int(counts[f"{self.queues}.in"])

    async def die(self, what: str) -> None:
        """One of the three dies."""
        self.died[what] += 1
        if what == "broker":
            pool = self.reactor.getThreadPool()
            await deferToThreadPool(self.reactor, pool, self.broker.kill)
            await deferToThreadPool(self.reactor, pool, self.broker.start)
        elif what == "connection":
            self.cut()
        else:
            # A node that dies says goodbye to nobody.
            self.cut()
            ended, intake = self.point.end(), self.intake
            intake.close()
            await ended
            self.point = make(self.settings)
            self.intake = KeepingIntake(self.reactor, self.random, intake)
            self.point.begin(self.intake)

    def cut(self) -> None:
        """The connection of the capture point is lost."""
        link: Any = self.point._link
        if link is not None:
            link._client.abort("it was cut by the test")

    async def send(self) -> None:
        """Send all, each until the broker has confirmed it."""
        left = {
            name: submit(name)
            if name in set(self.good)
            else f'<broken ExternalId="{name}"'.encode()
            for name in (f"d{number}" for number in range(self.count))
        }
        while left:
            peer = StompPeer(self.reactor, self.broker.stomp_port)
            try:
                await peer.connect()
                while left:
                    some = dict(list(left.items())[:100])
                    await peer.send_all(f"{self.queues}.in", some)
                    for name in some:
                        del left[name]
                await peer.close()
            except Exception:
                # Whatever happens to a connection while brokers die, it is tried again.
                await deferLater(self.reactor, 0.5, lambda: None)

    async def judge(self) -> list[str]:
        """What is lost, doubled or left."""
        wrong: list[str] = []
        taken = [document.operations[0].external_id for document in self.intake.taken]
        if lost := set(self.good) - set(taken):
            wrong.append(f"{len(lost)} lost, such as {min(lost)}")
        if len(taken) != len(set(taken)):
            wrong.append(f"{len(taken) - len(set(taken))} doubled")
        copies, errors, left = await self.read()
        self.copies = len(copies)
        if missing := set(self.good) - set(copies):
            wrong.append(f"{len(missing)} without a copy, such as {min(missing)}")
        if missing := set(self.bad) - set(errors):
            wrong.append(f"{len(missing)} not in the error queue, such as {min(missing)}")
        if left:
            wrong.append(f"{len(left)} left in the inbound queue")
        return wrong

    async def read(self) -> list[list[str]]:
        """The names in the queues of copies, of errors, and in that of the documents."""
        found: list[list[str]] = []
        for queue in ("processed", "errors", "in"):
            if self.protocol == "amqp":
                port = self.broker.amqp_port
                messages = await drained(self.reactor, port, f"{self.queues}.{queue}")
                bodies = [bytes_of(message) for message in messages]
            else:
                peer = StompPeer(self.reactor, self.broker.stomp_port)
                await peer.connect()
                bodies = [frame.body for frame in await peer.drain(f"{self.queues}.{queue}")]
                await peer.close()
            found.append([name_in(body) for body in bodies])
        return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one trial, and end with 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description="Kill what a capture point lives on.")
    parser.add_argument("--documents", type=at_least_one, default=5_000)
    parser.add_argument("--kills", type=at_least_one, default=10)
    parser.add_argument("--protocol", choices=("stomp", "amqp"), default="stomp")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)

    async def run(reactor: Any) -> None:
        broker = RabbitmqBroker()
        try:
            broker.start()
            trial = Trial(
                reactor, broker, asked.protocol, "trial", broker.folder,
                asked.documents, asked.kills, Random(asked.seed),
            )  # fmt: skip
            wrong = await trial.run()
        finally:
            broker.remove()
        sys.stdout.write(
            f"{asked.documents} documents over {asked.protocol}, seed {asked.seed}, killed: "
            + ", ".join(f"{what} {times} times" for what, times in trial.died.items())
            + f"; taken {len(trial.intake.taken)}, copies {trial.copies}\n"
            + "".join(f"WRONG: {each}\n" for each in wrong)
        )
        if wrong:
            raise SystemExit(1)

    react(lambda reactor: Deferred.fromCoroutine(run(reactor)))


if __name__ == "__main__":
    main()
