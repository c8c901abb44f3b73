"""
Deployment files with mistakes in them, by the thousand, from a seed.

Theory of operation: a file that is right is damaged a few times, by cutting
and stirring its text, and by giving its keys other names and values. Whatever
comes out must give a report that a person can use: no exception, every
mistake with a text of one line and a line that the file has, and a deployment
that can be asked everything where there is no mistake.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ixproxy.config import Report, TryMaker, check
from ixproxy.config_plans import node_plan
from ixproxy.plugin import Catalogue

VALUES = (
    "0", "1", "-1", "2", "60", "101", "36", "65535", "65536", "2176782335", "2176782336",
    "99999999999999999999", "1.5", "inf", "nan", "1e400", "0x10", "true", "false",
    '""', '" "', '"x"', '"true"', '"10"', '"ixn1"', '"ixn1-b"', '"proxy1"', '"Environment"',
    '"Interaction Server"', '"Interaction Servr"', '"Application Cluster"', '"T-Server"',
    '"Third Party Server"', '"Stat Server"', '"Universal Routing Server"', '"proxy"', '"node"',
    '"tcp:7101"', '"tcp:0"', '"tcp:x"', '"tcp:1:2:3:4:5"', '"tls:7101"', '"unix:/run/x"',
    '"tcp:127.0.0.1:7101"', '"tcp:a\\\\:b:1"', '"sqlite:ixn1.db"', '"sqlite::memory:"', '"nosql:x"',
    '"priority > "', '"priority DESC, id"', '"[media_type] = 7"', '"_age() > 60"', '"product"',
    '"); DROP TABLE interactions"', '"10/second"', '"email, chat"', '"email,,"', "\"'\"",
    '"\\u0000"', '"\\ud7ff\\u20ac"', '"\\n"', '"' + "n" * 300 + '"', "1979-05-27",
    "1979-05-27T07:32:00Z", "07:32:00", "[]", "[1]", '["ixn1", "ixn1"]', '["ixn1", "ixn2"]',
    '["ixn-cluster", "proxy2"]', '["nobody"]', "[[], {}]", "[{}]", "{}", "{ a = 1 }",
    '{ enabled = "no" }', "{ use = 1 }", "[{ subject = 1 }]", "'''\nlong\n'''", '"""\n\\"""',
    "{ a = { b = { c = [1, [2]] } } }",
)  # fmt: skip
KEYS = (
    "type", "role", "dbid", "id", "tenants", "listen", "endpoint", "backup", "store", "event-log",
    "connections", "use", "options", "settings", "tls", "allow", "capture", "routing", "merge",
    "max-frame", "max-userdata-size", "node-loss-grace", "agent-session-restore-timeout",
    "media-types", "queues", "views", "condition", "order", "segmentation", "segment-limit",
    "workbins", "owner", "custom-properties", "agents", "agent-groups", "enabled", "lisen",
    "pull_hold_timeout", "ixn1", "ixn1-b", "proxy1", '""', '"a b"', "'\\'", '"\\u0001"', "a.b",
)  # fmt: skip
SCRAPS = (
    "[", "]", "[[", "]]", "{", "}", "=", ".", ",", '"', "'", '"""', "'''", "#", "\n", "\r\n", "\r",
    "\\", "\t", "\0", "\x7f", "é", "\u2028", "\ufeff", "😀", " ", "0", "-", "_", "true",
)  # fmt: skip
TABLES = (
    "[applications.ixn9]", "[applications.ixn1]", "[applications]", "[tenants]", "[licences]",
    "[tenants.Environment]", "[applications.ixn1.tls]", "[[applications.ixn1.allow]]",
    "[[applications.ixn1.capture]]", "[applications.proxy1.pull]", "[applications.proxy1.merge]",
    "[applications.ixn1.options.agent-reservation]", "[applications.ixn1.options.log]",
    "[tenants.Environment.queues.Inbound.views.More]", "[applications.proxy1.options.settings]",
    "[a.b.c]", "[[a]]", "[]", "[tenants.T]\nid = 7", 'tenants = "x"', "applications = []",
)  # fmt: skip

_VALUE = re.compile(r"(?m)(?<== )[^\n]+$")
_KEY = re.compile(r"(?m)^[A-Za-z-]+(?= = )")


def mutated(text: str, chance: random.Random) -> str:
    """`text` with one to four mistakes in it; some of them do no harm."""
    for _ in range(chance.randint(1, 4)):
        text = chance.choice(_MUTATIONS)(text, chance)
    return text


def _other_value(text: str, chance: random.Random) -> str:
    return _replaced(text, _VALUE, VALUES, chance)


def _other_key(text: str, chance: random.Random) -> str:
    return _replaced(text, _KEY, KEYS, chance)


def _replaced(
    text: str, places: re.Pattern[str], choices: Sequence[str], chance: random.Random
) -> str:
    found = list(places.finditer(text))
    if not found:
        return text
    place = chance.choice(found)
    return text[: place.start()] + chance.choice(choices) + text[place.end() :]


def _new_line(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    new = f"{chance.choice(KEYS)} = {chance.choice(VALUES)}"
    lines.insert(chance.randint(0, len(lines)), chance.choice((new, chance.choice(TABLES))))
    return "\n".join(lines)


def _lost_line(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    del lines[chance.randrange(len(lines))]
    return "\n".join(lines)


def _moved_lines(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    start = chance.randrange(len(lines))
    block = lines[start : start + chance.randint(1, 12)]
    if chance.random() < 0.5:
        del lines[start : start + len(block)]
    place = chance.randint(0, len(lines))
    return "\n".join([*lines[:place], *block, *lines[place:]])


def _copied_table(text: str, chance: random.Random) -> str:
    """One more application or tenant, with everything that an old one has."""
    tables = text.split("\n[")
    name = f"copy{chance.randint(1, 3)}"
    copied = re.sub(r"^((?:applications|tenants)\.)[\w-]+", rf"\g<1>{name}", chance.choice(tables))
    return "\n[".join([*tables, copied])


def _scrap(text: str, chance: random.Random) -> str:
    place = chance.randint(0, len(text))
    return text[:place] + chance.choice(SCRAPS) + text[place + chance.randint(0, 2) :]


def _cut(text: str, chance: random.Random) -> str:
    return text[: chance.randint(0, len(text))]


def _swapped_names(text: str, chance: random.Random) -> str:
    names = re.findall(r'"([\w-]+)"', text)
    if not names:
        return text
    old, new = chance.choice(names), chance.choice(names)
    return text.replace(f'"{old}"', f'"{new}"', chance.randint(1, 3))


_MUTATIONS: tuple[Callable[[str, random.Random], str], ...] = (
    *([_other_value] * 5), *([_other_key] * 3), *([_new_line] * 3), *([_lost_line] * 2),
    *([_swapped_names] * 2), _moved_lines, _copied_table, _scrap, _cut,
)  # fmt: skip


@dataclass(slots=True)
class Outcome:
    """
    What a run found.

    :ivar right: files in which there was no mistake after all.
    :ivar broken: files that are no TOML.
    :ivar texts: how often each error was reported, without what differs.
    """

    files: int = 0
    right: int = 0
    broken: int = 0
    texts: Counter[str] = field(default_factory=Counter)


def fuzz_deployments(
    corpus: Sequence[str], seed: int, count: int, *, try_maker: TryMaker | None = None
) -> Outcome:
    """
    Check `count` mutated files.

    :param corpus: the texts of files without mistakes.
    :param try_maker: as for `ixproxy.config.check`.
    :raise AssertionError: a report is of no use; it names seed, number and text.
    """
    outcome = Outcome()
    tried = try_maker or Catalogue().try_maker
    for number in range(count):
        # Each file has chances of its own, so that one can be made again alone.
        chance = random.Random(f"{seed}/{number}")
        text = mutated(chance.choice(corpus), chance)
        try:
            report = check(text, try_maker=tried)
            faults = [*_faults(report, text)]
        except Exception as error:
            raise AssertionError(f"seed {seed}, file {number}: {error!r}\n{text}") from error
        if faults:
            raise AssertionError(f"seed {seed}, file {number}: {faults}\n{text}")
        _count(outcome, report)
    return outcome


def _faults(report: Report, text: str) -> Iterator[str]:
    """What is wrong with a report."""
    if bool(report.errors) == (report.deployment is not None):
        yield "expected either errors or a deployment"
    lines = text.count("\n") + 1
    for problem in (*report.errors, *report.warnings):
        if not problem.text.strip() or not problem.text.isprintable():
            yield f"not a text of one line: {problem.text!r}"
        if not 0 <= problem.line <= lines:
            yield f"no such line: {problem.line}"
        if len(str(problem)) > 2000:
            yield f"longer than anybody reads: {problem}"
    if report.deployment is not None:
        for proxy in report.deployment.proxies():
            view = report.deployment.view_for(proxy.name)
            if not view.nodes:
                yield f"{proxy.name} has nothing to connect to"
        for node in report.deployment.nodes():
            node_plan(report.deployment, node.name)


def _count(outcome: Outcome, report: Report) -> None:
    outcome.files += 1
    outcome.right += report.deployment is not None
    outcome.broken += any(problem.text.startswith("not TOML") for problem in report.errors)
    for problem in report.errors:
        outcome.texts[re.sub(r'"[^"]*"|\d+', "…", problem.text)] += 1
