"""
A broker that speaks Kafka's protocol, in a process of its own, for tests.

    with KafkaBroker() as broker:
        broker.make_topic("orders", partitions=4)
        Producer({"bootstrap.servers": broker.address})
        broker.down()                       # nobody reaches it; it keeps what it has
        broker.up()
        broker.refuse("OffsetCommit", 30)   # the next such request gets an error of Kafka's
        broker.pause()                      # hangs, with its connections, until `resume`

It is the broker that librdkafka has for its own tests: real sockets, topics,
partitions, consumer groups and offsets, all of it in memory. So `down` and `up`
are a broker that was restarted and lost nothing, and `kill` is one whose disk is
gone. A topic that nobody made is made when it is first asked for, with four
partitions.

Theory of operation: confluent-kafka brings librdkafka; a child process calls its
functions by ctypes, obeys lines on its standard input, and ends with it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ixproxy.testing.servers import ServerFailed

API_KEYS = {
    "Produce": 0, "Fetch": 1, "ListOffsets": 2, "Metadata": 3, "OffsetCommit": 8,
    "OffsetFetch": 9, "FindCoordinator": 10, "JoinGroup": 11, "Heartbeat": 12, "SyncGroup": 14,
    "InitProducerId": 22,
}  # fmt: skip
"""Requests that can be refused, by their names in Kafka's protocol."""

UNKNOWN_TOPIC, TOPIC_DENIED, GROUP_DENIED, NOT_COORDINATOR = 3, 29, 30, 16
"""Some error codes of Kafka's protocol."""

_PRODUCER = 0
_ERROR_SIZE = 512
_MOST_REFUSALS = 1000


def library() -> Path | None:
    """librdkafka as confluent-kafka has brought it; None: there is none."""
    try:
        import confluent_kafka
    except ImportError:
        return None
    beside = Path(confluent_kafka.__file__).parent.parent / "confluent_kafka.libs"
    return next(iter(sorted(beside.glob("librdkafka*"))), None)


def unusable() -> str:
    """Why no broker can be started here; "": one can."""
    return "" if library() else "confluent-kafka is not installed, or without its librdkafka"


class KafkaBroker:
    """
    One broker; used as a context manager, or started and ended.

    :param join_delay: milliseconds that a consumer group waits for further members.
    :ivar address: where it listens, for `bootstrap.servers`; another one at each start.
    :raise ServerFailed: there is no librdkafka here.
    """

    def __init__(self, *, join_delay: int = 100) -> None:
        if reason := unusable():
            raise ServerFailed(reason)
        self._join_delay = join_delay
        self._process: subprocess.Popen[str] | None = None
        self.address = ""

    def __enter__(self) -> KafkaBroker:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """
        Start it, empty.

        :raise ServerFailed: it does not run.
        """
        if self._process is not None:
            raise ServerFailed("the broker is running already")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ixproxy.testing.kafka_broker", str(self._join_delay)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.address = self._answer()

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._running().pid

    def make_topic(self, name: str, partitions: int = 1) -> None:
        """Make a topic that is not there yet."""
        self._do("topic", name, partitions)

    def spoil_topic(self, name: str, code: int) -> None:
        """Have all questions about a topic answered with an error of Kafka's; 0: no longer."""
        self._do("topic-error", name, code)

    def refuse(self, request: str, code: int, times: int = 1) -> None:
        """
        Have the next requests of a kind answered with an error of Kafka's.

        :param request: a key of API_KEYS.
        """
        self._do("refuse", API_KEYS[request], code, times)

    def down(self) -> None:
        """End all connections, and let nobody in."""
        self._do("down")

    def up(self) -> None:
        """Let everybody in again."""
        self._do("up")

    def pause(self) -> None:
        """Hang."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Go on."""
        self._running().send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End its process, and lose all that it has. Harmless when it does not run."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise ServerFailed("the broker does not run")
        return self._process

    def _do(self, *words: object) -> None:
        stdin = self._running().stdin
        assert stdin is not None
        stdin.write("\t".join(map(str, words)) + "\n")
        stdin.flush()
        answer = self._answer()
        if answer != "done":
            raise ServerFailed(f"{words[0]}: {answer}")

    def _answer(self) -> str:
        stdout = self._running().stdout
        assert stdout is not None
        line = stdout.readline()
        if not line:
            raise ServerFailed("the broker has ended")
        return line.strip()


class _Cluster:
    """What the child calls of librdkafka."""

    def __init__(self, path: Path, join_delay: int) -> None:
        self._library = ctypes.CDLL(str(path))
        text = ctypes.create_string_buffer(_ERROR_SIZE)
        handle = self._function("rd_kafka_new", ctypes.c_void_p)(
            _PRODUCER, ctypes.c_void_p(None), text, ctypes.c_size_t(_ERROR_SIZE)
        )
        if not handle:
            raise ServerFailed(text.value.decode())
        made = self._function("rd_kafka_mock_cluster_new", ctypes.c_void_p)
        self._cluster = ctypes.c_void_p(made(ctypes.c_void_p(handle), 1))
        self._call("rd_kafka_mock_group_initial_rebalance_delay_ms", ctypes.c_int32(join_delay))

    @property
    def address(self) -> str:
        found = self._function("rd_kafka_mock_cluster_bootstraps", ctypes.c_char_p)(self._cluster)
        return str(found.decode())

    def obey(self, words: list[str]) -> str:
        """Do one line; what to answer."""
        code = _ORDERS[words[0]](self, *words[1:])
        return "done" if not code else f"error {code}"

    def topic(self, name: str, partitions: str) -> int:
        return self._call("rd_kafka_mock_topic_create", name.encode(), int(partitions), 1)

    def topic_error(self, name: str, code: str) -> int:
        self._call("rd_kafka_mock_topic_set_error", name.encode(), int(code))
        return 0

    def refuse(self, api_key: str, code: str, times: str) -> int:
        count = min(int(times), _MOST_REFUSALS)
        errors = (ctypes.c_int * count)(*[int(code)] * count)
        self._call(
            "rd_kafka_mock_push_request_errors_array",
            ctypes.c_int16(int(api_key)), ctypes.c_size_t(count), errors,
        )  # fmt: skip
        return 0

    def down(self) -> int:
        return self._call("rd_kafka_mock_broker_set_down", ctypes.c_int32(1))

    def up(self) -> int:
        return self._call("rd_kafka_mock_broker_set_up", ctypes.c_int32(1))

    def _call(self, name: str, *arguments: object) -> int:
        return int(self._function(name, ctypes.c_int)(self._cluster, *arguments))

    def _function(self, name: str, returns: type) -> Callable[..., Any]:
        function = getattr(self._library, name)
        function.restype = returns
        found: Callable[..., Any] = function
        return found


_ORDERS: dict[str, Callable[..., int]] = {
    "topic": _Cluster.topic,
    "topic-error": _Cluster.topic_error,
    "refuse": _Cluster.refuse,
    "down": _Cluster.down,
    "up": _Cluster.up,
}


def main() -> None:
    """Serve until the standard input ends."""
    path = library()
    assert path is not None
    cluster = _Cluster(path, int(sys.argv[1]))
    out = sys.stdout
    out.write(f"{cluster.address}\n")
    out.flush()
    for line in sys.stdin:
        out.write(f"{cluster.obey(line.rstrip(chr(10)).split(chr(9)))}\n")
        out.flush()
    # librdkafka's threads would be waited for.
    os._exit(0)


if __name__ == "__main__":
    main()
