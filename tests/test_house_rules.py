"""Each rule of the house finds what it is there to find, and leaves the rest alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import PurePath

import pytest

from tests import house
from tests.house import Source

Rule = Callable[[Source], Iterator[str]]


def breaches(rule: Rule, path: str, text: str) -> list[str]:
    return list(rule(Source(PurePath(path), text)))


def test_a_room_stands_on_one_floor() -> None:
    assert sum(map(len, house.FLOORS)) == len(house.FLOOR)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("ixproxy/core/owners.py", "import ixproxy.net.listener"),
        ("ixproxy/core/owners.py", "from ixproxy.net import listener"),
        ("ixproxy/core/owners.py", "from ixproxy import node"),
        ("ixproxy/core/owners.py", "from ..node import rules"),
        ("ixproxy/core/owners.py", "from .. import node"),
        ("ixproxy/node/rules.py", "def f():\n    from ixproxy.core import owners"),
        ("ixproxy/wire/codec.py", "if TYPE_CHECKING:\n    from ixproxy.core import proxy"),
        ("ixproxy/wire/codec.py", "from ixproxy.strategies.weighted import make"),
        ("ixproxy/storage/sqlite.py", "from ixproxy.config import Config"),
        ("ixproxy/values.py", "from ixproxy.wire.frames import FrameReader"),
        ("ixproxy/__init__.py", "from ixproxy.client import connect"),
        ("ixproxy/net/listener.py", "from ixproxy.client import link"),
        ("ixproxy/core/owners.py", "from ixproxy.attic import old"),
        ("ixproxy/core/owners.py", "from ixproxy.core_attic import old"),
    ],
)
def test_an_import_that_does_not_point_down_is_found(path: str, text: str) -> None:
    assert len(breaches(house.imports_that_do_not_point_down, path, text)) == 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("ixproxy/core/owners.py", "from ixproxy.core import routing"),
        ("ixproxy/core/owners.py", "from . import routing\nfrom .routing import ROUTES"),
        ("ixproxy/core/owners.py", "from ..values import NodeName"),
        ("ixproxy/net/listener.py", "import ixproxy.wire.frames\nfrom ixproxy import errors"),
        ("ixproxy/cli/main.py", "from ixproxy import __version__"),
        ("ixproxy/effects.py", "from ixproxy.values import NodeName"),
        ("ixproxy/config_keys.py", "from ixproxy.config import Config"),
        ("ixproxy/tap.py", "from ixproxy.proxy_parts import settings_of"),
        ("ixproxy/wire/codec.py", "import msgspec"),
        ("ixproxy/client/link.py", "from ixproxy.net.connection import FrameConnection"),
    ],
)
def test_an_import_that_points_down_or_stays_in_its_room_is_left_alone(
    path: str, text: str
) -> None:
    assert breaches(house.imports_that_do_not_point_down, path, text) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("ixproxy/core/proxy.py", "import time"),
        ("ixproxy/node/timers.py", "from time import monotonic"),
        ("ixproxy/strategies/weighted.py", "import random"),
        ("ixproxy/values.py", "import os.path"),
        ("ixproxy/wire/frames.py", "from twisted.internet.defer import Deferred"),
        ("ixproxy/wire/frames.py", "def f():\n    from twisted.internet import reactor"),
        ("ixproxy/interfaces.py", "from twisted.internet import reactor"),
        ("ixproxy/core/proxy.py", "from twisted.logger import Logger"),
    ],
)
def test_the_world_is_found_on_a_floor_that_decides(path: str, text: str) -> None:
    assert len(breaches(house.impure_imports, path, text)) == 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("ixproxy/net/perform.py", "import time\nfrom twisted.internet.task import Clock"),
        ("ixproxy/interfaces.py", "from twisted.plugin import IPlugin"),
        ("ixproxy/interfaces.py", "from twisted.internet.interfaces import IReactorTime"),
        ("ixproxy/core/proxy.py", "from datetime import datetime\nimport zope.interface"),
    ],
)
def test_the_world_may_be_imported_where_it_is_met(path: str, text: str) -> None:
    assert breaches(house.impure_imports, path, text) == []


def test_a_clock_is_not_read_where_now_is_an_argument() -> None:
    text = "at = datetime.now(UTC)\nthen = datetime.datetime.utcnow()\nday = date.today()"
    assert len(breaches(house.clock_readings, "ixproxy/node/timers.py", text)) == 3
    assert breaches(house.clock_readings, "ixproxy/net/perform.py", text) == []


@pytest.mark.parametrize(
    "text",
    [
        "from twisted.internet import reactor",
        "import twisted.internet.reactor",
        "from twisted.internet.reactor import callLater",
    ],
)
def test_the_global_reactor_is_for_what_is_started(text: str) -> None:
    for path in ("ixproxy/net/listener.py", "tests/net/test_listener.py", "bench/run.py"):
        assert len(breaches(house.global_reactors, path, text)) == 1
    for path in ("ixproxy/tap.py", "ixproxy/cli/main.py", "tests/conftest.py"):
        assert breaches(house.global_reactors, path, text) == []


def test_a_test_that_sleeps_is_found() -> None:
    text = "import time\ntime.sleep(1)\nsleep(2)\nprint('sleep(3)')"
    assert len(breaches(house.sleeps, "tests/test_x.py", text)) == 2


def test_a_file_has_at_most_400_lines() -> None:
    assert breaches(house.too_long, "ixproxy/x.py", "pass\n" * 400) == []
    assert breaches(house.too_long, "ixproxy/x.py", "pass\n" * 401) == [
        "ixproxy/x.py: 401 lines, of 400 allowed"
    ]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("ixproxy/net/helpers.py", ""),
        ("ixproxy/utils/frames.py", ""),
        ("ixproxy/x.py", "class RequestHandler: ..."),
        ("ixproxy/x.py", "class XMLBase: ..."),
        ("ixproxy/x.py", "def base_url(): ..."),
        ("ixproxy/x.py", "class A:\n    async def get_data(self): ..."),
        ("tests/test_x.py", "def user_data_helper(): ..."),
    ],
)
def test_a_name_that_says_nothing_is_found(path: str, text: str) -> None:
    assert len(breaches(house.empty_names, path, text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "def database_path(): ...",
        "def user_data_of(): ...",
        "def base36(): ...",
        "class RequestUpdateUserData: ...",
        "class EventWorkbinTypesInfo: ...",
        "class ClusterManager: ...",
        "class A:\n    def dataReceived(self, data): ...\n    def informational(self): ...",
        "def test_a_node_with_no_data_is_left_out(): ...",
    ],
)
def test_a_term_of_the_field_and_a_name_of_twisted_are_left_alone(text: str) -> None:
    assert breaches(house.empty_names, "tests/test_x.py", text) == []


def test_a_source_file_wants_its_test_file_at_the_same_place() -> None:
    sources = [PurePath("ixproxy/errors.py"), PurePath("ixproxy/core/__init__.py")]
    beside = PurePath("ixproxy/core/owners.py")
    tests = [PurePath("tests/test_errors.py"), PurePath("tests/test_owners.py")]
    assert house.sources_without_a_test([*sources, beside], tests) == [
        "ixproxy/core/owners.py has no tests/core/test_owners.py"
    ]


def test_a_test_file_stands_where_the_package_has_a_folder() -> None:
    sources = [PurePath("ixproxy/core/owners.py"), PurePath("ixproxy/errors.py")]
    tests = [PurePath(f"tests/{name}.py") for name in ("test_e2e", "core/test_a", "cor/test_b")]
    assert house.tests_without_a_source(sources, tests) == [
        "tests/cor/test_b.py is in a folder that ixproxy does not have"
    ]
