"""
Calls the web services of several nodes, one after the other, and the next where one cannot.

    python examples/capture/call_nodes.py examples/capture/parallel.toml --count 9

Nodes know nothing of each other's calls, so two rules keep it right: a call that may have been
done is made again at the same node, by the same Idempotency-Key; and what is asked or changed later
is asked of the node that has it. With --others the other nodes are asked, too: they refuse.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from ixproxy.config import load
from ixproxy.errors import ConfigError

PAUSE_SECONDS = 0.5
ANSWER_SECONDS = 30
Answer = tuple[int, dict[str, Any]]


def ask(method: str, address: str, key: str = "", body: object = None) -> Answer:
    """
    One call.

    :return: status and body.
    :raise OSError: there is no answer; ConnectionRefusedError: nobody was there.
    """
    headers = {"Idempotency-Key": f'"{key}"'} if key else {}
    content = None
    if body is not None:
        headers["Content-Type"] = "application/json"
        content = json.dumps(body).encode()
    asked = Request(address, data=content, method=method, headers=headers)
    try:
        with urlopen(asked, timeout=ANSWER_SECONDS) as answer:
            return answer.status, json.load(answer)
    except HTTPError as refused:
        text = refused.read()
        return refused.code, json.loads(text) if text else {}
    except URLError as problem:
        if isinstance(problem.reason, OSError):
            raise problem.reason from problem
        raise


def submit(addresses: list[str], first: int, name: str, until: float) -> tuple[str, str]:
    """
    Hand one in, at the first of the nodes that takes it.

    :return: where it is, and its id.
    """
    turn = first
    body = {"externalId": name, "properties": {"Queue": "Claims"}}
    while time.monotonic() < until:
        where = addresses[turn % len(addresses)]
        try:
            status, said = ask("POST", f"{where}/interactions", name, body)
        except ConnectionRefusedError:
            # Nobody got it: the next one may have it.
            print(f"{where} is not there", flush=True)
            turn += 1
        except OSError as problem:
            # It may have been done, and only this node would know it again.
            print(f"{where} does not answer: {problem}", flush=True)
        else:
            if status in (200, 201):
                return where, said["interactionId"]
            if status != 503:
                raise SystemExit(f"{where} refuses {name}: {said}")
            if said.get("inDoubt") is False:
                turn += 1
        time.sleep(PAUSE_SECONDS)  # noqa: TID251 - there is no reactor here
    raise SystemExit(f"nobody takes {name}")


def look(where: str, identifier: str) -> str:
    """What a node says of an interaction."""
    try:
        status, said = ask("GET", f"{where}/interactions/{identifier}")
    except OSError as problem:
        return str(problem)
    if status == 200:
        return f"it is in {said['properties'].get('Queue') or 'no queue'}"
    return f"{status}, code {said.get('code')}"


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="a deployment file")
    parser.add_argument("--count", type=int, default=9, help="interactions (%(default)s)")
    parser.add_argument("--seconds", type=float, default=60, help="for each (%(default)s)")
    parser.add_argument("--others", action="store_true", help="ask the other nodes, too")
    args = parser.parse_args()
    try:
        listening = [
            str(point.chosen.settings["listen"])
            for node in load(args.file).nodes()
            for point in node.capture
            if point.chosen.use == "webservice"
        ]
    except ConfigError as problem:
        raise SystemExit(f"{Path(__file__).name}: {problem}") from None
    if not listening:
        raise SystemExit(f"{Path(__file__).name}: {args.file} has no web services")
    addresses = [f"http://127.0.0.1:{each.split(':')[1]}" for each in listening]
    for number in range(args.count):
        name = f"call-{time.time_ns()}-{os.getpid()}"
        where, identifier = submit(addresses, number, name, time.monotonic() + args.seconds)
        print(f"{identifier} at {where}: {look(where, identifier)}", flush=True)
        for other in addresses if args.others else ():
            if other != where:
                print(f"{identifier} at {other}: {look(other, identifier)}", flush=True)


if __name__ == "__main__":
    main()
