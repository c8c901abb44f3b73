"""The rules of the house: what each looks for, and the breaches that it finds."""

from __future__ import annotations

import ast
import configparser
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

# Rooms by floor; an import goes to a lower floor or stays in its room.
FLOORS = (
    ("errors", "values", "messages", "effects", "interfaces"),
    ("wire", "strategies", "tls", "addresses"),
    ("core", "node"),
    ("net", "storage", "brokers", "capture", "eventlog", "console", "client"),
    ("config", "plugin", "proxy_parts", "node_parts", "tap_parts", "tap_trust"),
    ("tap", "node_tap", "cli", "testing"),
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
# Floor 0 is one vocabulary, and what is chosen (floor 4) names what there is to choose from.
OPEN_FLOORS = {0, 4}
# Ways between rooms of one floor, each with its reason: both ends of a connection are alike,
# the demo runs processes as tests do, and event logs are in databases like those of stores, and
# wait for what is outside in a thread like those of capture points. Both speak with brokers, and
# whoever connects to something does so in the same way.
PASSAGES = {
    ("client", "net"), ("cli", "testing"), ("eventlog", "storage"), ("eventlog", "capture"),
    ("eventlog", "brokers"), ("capture", "brokers"), ("eventlog", "net"),
}  # fmt: skip

# What decides must be told the time, its chances and its surroundings.
IMPURE = {
    "asyncio", "logging", "os", "random", "secrets", "socket", "sqlite3", "ssl", "subprocess",
    "threading", "time", "twisted", "uuid",
}  # fmt: skip
# Interfaces name Twisted's, and what they are called with.
INTERFACE_WORDS = {"twisted.plugin", "twisted.internet.interfaces", "twisted.internet.defer"}
CLOCK_CALLS = {"now", "utcnow", "today"}

REACTOR_ROOMS = {"tap", "node_tap", "cli"}

BANNED_WORDS = {
    "handler", "processor", "engine", "manager", "component", "helper", "util", "data", "info",
    "base", "handlers", "processors", "engines", "managers", "components", "helpers", "utils",
    "infos", "bases",
}  # fmt: skip
# What the field, the product or mathematics call a thing, words in a row.
OUR_TERMS = (
    ("user", "data"), ("attached", "data"), ("private", "info"), ("types", "info"),
    ("cluster", "manager"), ("base", "36"),
)  # fmt: skip

LONGEST = 400


@dataclass(frozen=True, slots=True)
class Source:
    """One file: its path from the root of the checkout, and its text."""

    path: PurePath
    text: str

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, str(self.path))

    @property
    def room(self) -> str:
        """The part of ixproxy that the file belongs to; empty for the package itself."""
        return room_of(["ixproxy", *self.path.with_suffix("").parts[1:]])


def read(root: Path, *folders: str) -> Iterator[Source]:
    """The Python files below `folders` of `root`, in order."""
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            yield Source(path.relative_to(root), path.read_text())


def room_of(parts: list[str]) -> str:
    """The room of a module; rooms that are files may have more of them: `config_x` of `config`."""
    if len(parts) < 2 or parts[1] == "__init__":
        return ""
    name = parts[1]
    if name in FLOOR:
        return name
    files = (room for room in FLOOR if FLOOR[room] in OPEN_FLOORS)
    return next((room for room in files if name.startswith(f"{room}_")), name)


def imports(source: Source) -> Iterator[tuple[int, str]]:
    """Each imported module with its line; `from a import b` gives `a.b`, wherever it stands."""
    package = source.path.parent.parts
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                yield node.lineno, f"{module}.{alias.name}"


def imports_that_do_not_point_down(source: Source) -> Iterator[str]:
    """Imports of ixproxy from a floor above, or from another room of the same one."""
    mine = source.room
    for line, name in imports(source):
        parts = name.split(".")
        if parts[0] != "ixproxy" or len(parts) < 2 or parts[1].startswith("_"):
            continue
        theirs = room_of(parts)
        if theirs not in FLOOR:
            yield f"{source.path}:{line}: {name} stands on no floor (tests/house.py FLOORS)"
        elif mine == "":
            yield f"{source.path}:{line}: the package itself imports nothing of its own"
        elif mine in FLOOR and mine != theirs:
            sideways = FLOOR[mine] == FLOOR[theirs] and FLOOR[mine] not in OPEN_FLOORS
            if FLOOR[theirs] > FLOOR[mine] or (sideways and (mine, theirs) not in PASSAGES):
                yield f"{source.path}:{line}: {mine} may not import {theirs} ({name})"


def rooms_without_a_floor(source: Source) -> Iterator[str]:
    if source.room and source.room not in FLOOR:
        yield f"{source.path}: {source.room} stands on no floor (tests/house.py FLOORS)"


def impure_imports(source: Source) -> Iterator[str]:
    """Imports, on floors 0 to 2, of what touches the world, chance or time."""
    if FLOOR.get(source.room, 9) > 2:
        return
    for line, name in imports(source):
        if name.split(".")[0] not in IMPURE:
            continue
        if source.room == "interfaces" and name.rpartition(".")[0] in INTERFACE_WORDS:
            continue
        yield f"{source.path}:{line}: floors 0 to 2 may not import {name}"


def clock_readings(source: Source) -> Iterator[str]:
    """Calls such as datetime.now() on floors 0 to 2, where `now` is an argument."""
    if FLOOR.get(source.room, 9) > 2:
        return
    for node in ast.walk(source.tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in CLOCK_CALLS
        ):
            yield f"{source.path}:{node.lineno}: floors 0 to 2 may not call .{node.func.attr}()"


def global_reactors(source: Source) -> Iterator[str]:
    """Imports of the global reactor, but for what is started and for conftest."""
    if source.path.name == "conftest.py" or (
        source.path.parts[0] == "ixproxy" and source.room in REACTOR_ROOMS
    ):
        return
    for line, name in imports(source):
        if name == "twisted.internet.reactor" or name.startswith("twisted.internet.reactor."):
            yield f"{source.path}:{line}: take the reactor as an argument"


def sleeps(source: Source) -> Iterator[str]:
    """Calls of anything named `sleep`."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            called = node.func
            name = getattr(called, "attr", None) or getattr(called, "id", None)
            if name == "sleep":
                yield f"{source.path}:{node.lineno}: a test may not sleep; advance a Clock"


def too_long(source: Source) -> Iterator[str]:
    lines = len(source.text.splitlines())
    if lines > LONGEST:
        yield f"{source.path}: {lines} lines, of {LONGEST} allowed"


def words_of(name: str) -> list[str]:
    """The words of a snake_case or PascalCase name, in lower case."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]


def banned_words(name: str) -> list[str]:
    """The words in `name` that say nothing, less those of a term."""
    words = words_of(name)
    for term in OUR_TERMS:
        for start in range(len(words) - len(term), -1, -1):
            if tuple(words[start : start + len(term)]) == term:
                del words[start : start + len(term)]
    return [word for word in words if word in BANNED_WORDS]


def empty_names(source: Source) -> Iterator[str]:
    """
    Names of files, folders, classes and functions with a banned word in them.

    A camelCase name is Twisted's, not ours; the name of a test is a sentence
    and may use any word.
    """
    for part in source.path.with_suffix("").parts:
        for word in banned_words(part):
            yield f"{source.path}: {word!r} does not say what {part} does"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if not node.name.islower() or node.name.startswith("test_"):
                continue
        elif not isinstance(node, ast.ClassDef):
            continue
        for word in banned_words(node.name):
            yield f"{source.path}:{node.lineno}: {word!r} does not say what {node.name} does"


def sources_without_a_test(sources: Iterable[PurePath], tests: Iterable[PurePath]) -> list[str]:
    """Files `ixproxy/x/y.py` for which there is no `tests/x/test_y.py`."""
    there = set(tests)
    return [
        f"{path} has no {wanted}"
        for path in sources
        if path.name != "__init__.py"
        and (wanted := PurePath("tests", *path.parts[1:-1], f"test_{path.name}")) not in there
    ]


def tests_without_a_source(sources: Iterable[PurePath], tests: Iterable[PurePath]) -> list[str]:
    """Files `tests/x/test_y.py`, below a folder, for which there is no folder `ixproxy/x`."""
    rooms = {path.parent.parts[1:] for path in sources}
    return [
        f"{path} is in a folder that ixproxy does not have"
        for path in tests
        if path.name.startswith("test_") and path.parent.parts[1:] not in rooms
    ]


def listed_packages(setup_cfg: str) -> set[str]:
    """The packages that setup.cfg installs."""
    parser = configparser.ConfigParser()
    parser.read_string(setup_cfg)
    return set(parser["options"]["packages"].split())
