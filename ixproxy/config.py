"""
Read and check a deployment file: the one thing to import of all `config_*`.

Theory of operation: the text is read as TOML; `config_check` holds every
table against `config_schema` and keeps what fits; `config_build` makes values
of that; `RULES` hold across tables; when none is broken, `ADVICE` adds what
the guide says. So one report has every mistake of a file, and advice is not
drawn from half of one.
"""

from __future__ import annotations

import re
import tomllib
from ast import literal_eval
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ixproxy import (
    config_advice,
    config_capture_rules,
    config_choices,
    config_client_view,
    config_clients,
    config_eventlog_rules,
    config_hosts,
    config_licences,
    config_rules,
    config_security,
    config_tenants,
)
from ixproxy.config_build import build
from ixproxy.config_check import Findings
from ixproxy.config_client_view import ClientView, client_view
from ixproxy.config_deployment import Deployment, ProxyView
from ixproxy.config_keys import clean
from ixproxy.config_lines import Lines, dotted
from ixproxy.config_node_options import NodeSettings
from ixproxy.config_options import ProxySettings
from ixproxy.config_paths import placed
from ixproxy.config_plugins import TryMaker, check_plugins
from ixproxy.config_rules import Case, Rule
from ixproxy.config_tables import (
    NODES,
    PROXIES,
    Allow,
    Application,
    CapturePoint,
    Chosen,
    Cluster,
    CustomProperty,
    EventLog,
    MediaType,
    NodeApplication,
    ProxyApplication,
    Queue,
    ServerApplication,
    Tenant,
    View,
    Workbin,
)
from ixproxy.config_views import check_views
from ixproxy.errors import ConfigError, ConfigProblem
from ixproxy.plugin import Catalogue

__all__ = [
    "NODES",
    "PROXIES",
    "Allow",
    "Application",
    "CapturePoint",
    "Chosen",
    "ClientView",
    "Cluster",
    "CustomProperty",
    "Deployment",
    "EventLog",
    "MediaType",
    "NodeApplication",
    "NodeSettings",
    "ProxyApplication",
    "ProxySettings",
    "ProxyView",
    "Queue",
    "Report",
    "ServerApplication",
    "Tenant",
    "TryMaker",
    "View",
    "Workbin",
    "check",
    "client_view",
    "load",
]

LARGEST = 16 << 20
"""A longer file is not read, in characters."""

RULES: tuple[Rule, ...] = (
    *config_rules.RULES,
    *config_security.RULES,
    *config_capture_rules.RULES,
    *config_eventlog_rules.RULES,
    *config_clients.RULES,
    *config_client_view.RULES,
    *config_choices.RULES,
    check_views,
)
ADVICE: tuple[Rule, ...] = (
    *config_advice.ADVICE,
    *config_tenants.ADVICE,
    *config_clients.ADVICE,
    *config_client_view.ADVICE,
    *config_choices.ADVICE,
    *config_licences.ADVICE,
    *config_capture_rules.ADVICE,
    *config_eventlog_rules.ADVICE,
    *config_hosts.ADVICE,
)


@dataclass(frozen=True, slots=True)
class Report:
    """
    What was found in a file.

    :ivar deployment: None where there are errors.
    """

    errors: tuple[ConfigProblem, ...]
    warnings: tuple[ConfigProblem, ...]
    deployment: Deployment | None


def load(source: Path | str, *, try_maker: TryMaker | None = None) -> Deployment:
    """
    Read a deployment file.

    :param source: the path of a file; or its text, which a str with a line
        break in it is taken for. Relative paths of stores and certificates
        in a file are taken from where it is.
    :param try_maker: sees whether a plug-in that the file names can be used; by
        default `ixproxy.plugin.Catalogue`.
    :raise ConfigError: every mistake in it; or it cannot be read.
    """
    if isinstance(source, str) and "\n" in source:
        report = check(source, try_maker=try_maker)
    else:
        report = check(_text_of(Path(source)), Path(source).absolute().parent, try_maker=try_maker)
    if report.deployment is None:
        raise ConfigError(report.errors)
    return report.deployment


def check(text: str, directory: Path | None = None, *, try_maker: TryMaker | None = None) -> Report:
    """
    Check the text of a deployment file.

    :param directory: where relative paths in it begin; None: they stay so.
    :param try_maker: sees whether a plug-in that the file names can be used; by
        default `ixproxy.plugin.Catalogue`.
    :return: every mistake; and, apart from them, what has no effect yet and
        the guide's advice. Both in the order of the file.
    """
    findings = Findings(Lines(""))
    tables = _read(text, findings)
    if tables is None:
        return Report(tuple(findings.errors), (), None)
    findings.lines = Lines(text)
    deployment = build(tables, findings)
    if directory is not None:
        deployment = placed(deployment, directory)
    applications = tables.get("applications")
    names = frozenset(applications) if isinstance(applications, dict) else frozenset()
    case = Case(deployment, findings, names)
    for rule in RULES:
        rule(case)
    check_plugins(case, try_maker or Catalogue().try_maker)
    for advice in ADVICE if not findings.errors else ():
        advice(case)
    errors = tuple(sorted(findings.errors, key=_place))
    warnings = tuple(sorted(findings.warnings, key=_place))
    return Report(errors, warnings, None if errors else deployment)


def _place(problem: ConfigProblem) -> int:
    return problem.line


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        # A path with a NUL in it, or bytes that are no UTF-8.
        raise ConfigError(f"{path}: cannot be read: expected UTF-8; {error}") from error


_DECLARED = re.compile(r"\((?:'(?:[^'\\]|\\.)*'(?:, |,?(?=\))))+\)")
_AT = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def _read(text: str, findings: Findings) -> Mapping[str, object] | None:
    """The tables of a TOML text; None, with an error, where it is none."""
    if len(text) > LARGEST:
        problem = f"expected at most {LARGEST} characters, not {len(text)}"
        findings.errors.append(ConfigProblem("", "", problem))
        return None
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except RecursionError:
        problem, line = "not TOML: too deeply nested", 0
    except ValueError as error:
        # tomllib says the place in the text of its error only.
        at = _AT.search(str(error))
        line = int(at[1]) if at and at[1] else text.count("\n") + 1 if at else 0
        said = _DECLARED.sub(lambda names: f"[{dotted(literal_eval(names[0]))}]", str(error))
        problem = f"not TOML: {_AT.sub('', said)}"
        if at and at[2]:
            problem += f", in column {at[2]}"
    findings.errors.append(ConfigProblem("", "", clean(problem, 800), line))
    return None
