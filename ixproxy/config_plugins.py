"""Whether the plug-ins that a deployment names are there and take their settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ixproxy.config_eventlog import kind_of, maker_settings
from ixproxy.config_eventlog_rules import logs_of
from ixproxy.config_lines import Path
from ixproxy.config_rules import Case
from ixproxy.config_tables import Chosen
from ixproxy.errors import ConfigError, PluginError

TryMaker = Callable[[str, str, Mapping[str, object]], None]
"""
Called with kind (routing, pull, merge, capture, store or eventlog), name and settings; raises
`ConfigError` where such a plug-in cannot be used.
"""


def check_plugins(case: Case, try_maker: TryMaker) -> None:
    """Errors for strategies, policies, capture points and stores that cannot be used."""
    for proxy in case.deployment.proxies():
        # As the proxy will see it: some strategies are told of the nodes.
        view = case.deployment.view_for(proxy.name)
        for kind, chosen in (("routing", view.routing), ("pull", view.pull), ("merge", view.merge)):
            _try(case, ("applications", proxy.name, kind), kind, chosen, try_maker)
    for node in case.deployment.nodes():
        for place, point in enumerate(node.capture):
            if point.chosen.use:
                where: Path = ("applications", node.name, "capture", place)
                _try(case, where, "capture", point.chosen, try_maker)
        scheme = node.store.partition(":")[0]
        if scheme:
            path: Path = ("applications", node.name)
            _try(case, path, "store", Chosen(scheme), try_maker, "store")
    for _, path, key, log in logs_of(case):
        if log.address:
            chosen = Chosen(kind_of(log.address), maker_settings(log))
            _try(case, path, "eventlog", chosen, try_maker, key)


def _try(
    case: Case,
    path: Path,
    kind: str,
    chosen: Chosen,
    try_maker: TryMaker,
    named_by: str = "use",
) -> None:
    """
    :param named_by: the key that names the plug-in: `use`, or another whose value is an
        address. Only that one is what a plug-in calls its address: where there is a `use`,
        `address` is a key of the table itself.
    """
    try:
        try_maker(kind, chosen.use, chosen.settings)
    except PluginError as error:
        for problem in error.problems:
            case.findings.error(path, named_by, problem.text)
    except ConfigError as error:
        for problem in error.problems:
            where = (*path, problem.table) if problem.table else path
            addressed = named_by != "use" and problem.key == "address"
            key = named_by if addressed else problem.key
            case.findings.error(where, key, problem.text)
    except Exception as error:
        # A plug-in of somebody else: its bug must be shown, not end the report.
        text = f'plug-in "{chosen.use}" failed: {type(error).__name__}: {error}'
        case.findings.error(path, named_by, text)
