"""Hold the tables of a file against the schema; keep what fits, report what does not."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from ixproxy.config_keys import Unfit, clean, plain_name, shown
from ixproxy.config_lines import Lines, Path, dotted
from ixproxy.config_schema import Table
from ixproxy.errors import ConfigProblem
from ixproxy.strategies.settings import did_you_mean


@dataclass(slots=True)
class Findings:
    """What is wrong with a file, and what may be; each with its line."""

    lines: Lines
    errors: list[ConfigProblem] = field(default_factory=list)
    warnings: list[ConfigProblem] = field(default_factory=list)

    def error(self, path: Path, key: str, text: str) -> None:
        """A mistake: the file is not used."""
        self.errors.append(self._problem(path, key, text))

    def warning(self, path: Path, key: str, text: str) -> None:
        """Something to think about."""
        self.warnings.append(self._problem(path, key, text))

    def _problem(self, path: Path, key: str, text: str) -> ConfigProblem:
        line = self.lines.line((*path, key) if key else path)
        return ConfigProblem(clean(dotted(path), 200), clean(key, 100), clean(text, 800), line)


@dataclass(slots=True)
class Fitting:
    """
    What of one table fits its schema.

    :ivar values: every key that the schema knows: what was given, or its default.
    :ivar given: the keys that were given and fit.
    :ivar rest: what passes untouched.
    """

    path: Path
    values: dict[str, object] = field(default_factory=dict)
    given: set[str] = field(default_factory=set)
    tables: dict[str, Fitting] = field(default_factory=dict)
    arrays: dict[str, list[Fitting]] = field(default_factory=dict)
    named: dict[str, Fitting] = field(default_factory=dict)
    rest: dict[str, object] = field(default_factory=dict)

    def options(self, section: str) -> Mapping[str, object]:
        """The options given in a section, empty where there is none."""
        options = self.tables.get("options")
        found = options.tables.get(section) if options else None
        return {key: found.values[key] for key in found.given} if found else {}


def fit(
    table: Table, given: Mapping[str, object], path: Path, findings: Findings, quiet: bool = False
) -> Fitting:
    """
    Hold one table, and all below it, against its schema.

    :param quiet: it has been said that this table does nothing yet.
    """
    if not table.served and not quiet:
        findings.warning(path, "", f"known, but not served yet: {table.until_served}")
        quiet = True
    fitting = _empty(table, path)
    for name, value in given.items():
        if name in table.keys:
            _fit_key(table, name, value, fitting, findings, quiet)
        elif name in table.tables:
            if (inner := _table(value, (*path, name), findings)) is not None:
                fitting.tables[name] = fit(
                    table.tables[name], inner, (*path, name), findings, quiet
                )
        elif name in table.arrays:
            _fit_array(table.arrays[name], name, value, fitting, findings, quiet)
        elif table.named is not None:
            _fit_named(table.named, name, value, fitting, findings, quiet)
        elif table.free:
            fitting.rest[name] = value
        else:
            findings.error(path, name, _unknown(table, name, value, path))
    for name, key in table.keys.items():
        if key.required and name not in given:
            findings.error(path, name, f"missing; expected {key.expected}")
    return fitting


def _fit_key(
    table: Table, name: str, value: object, fitting: Fitting, findings: Findings, quiet: bool
) -> None:
    key = table.keys[name]
    try:
        fitting.values[name] = key.read(value)
    except Unfit as problem:
        findings.error(fitting.path, name, str(problem))
        return
    fitting.given.add(name)
    if not key.served and not quiet:
        findings.warning(fitting.path, name, "known, but not served yet: it has no effect")


def _fit_array(
    table: Table, name: str, value: object, fitting: Fitting, findings: Findings, quiet: bool
) -> None:
    path = (*fitting.path, name)
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        text = f"expected an array of tables ([[{dotted(path)}]]), not {shown(value)}"
        findings.error(fitting.path, name, text)
        return
    fitting.arrays[name] = []
    for place, each in enumerate(value):
        inner = fit(table, each, (*path, place), findings, quiet)
        fitting.arrays[name].append(inner)
        quiet = quiet or not table.served


def _fit_named(
    table: Table, name: str, value: object, fitting: Fitting, findings: Findings, quiet: bool
) -> None:
    path = (*fitting.path, name)
    try:
        plain_name(name)
    except ValueError as problem:
        findings.error(fitting.path, name, f"{shown(name)}: {problem}")
    inner = _table(value, path, findings)
    # What is named is there, whatever is wrong with it: others may refer to it.
    fitting.named[name] = (
        _empty(table, path) if inner is None else fit(table, inner, path, findings, quiet)
    )


def _empty(table: Table, path: Path) -> Fitting:
    return Fitting(path, {name: key.default for name, key in table.keys.items()})


def _table(value: object, path: Path, findings: Findings) -> Mapping[str, object] | None:
    if isinstance(value, dict):
        return value
    findings.error(path[:-1], str(path[-1]), f"expected a table, not {shown(value)}")
    return None


def _unknown(table: Table, name: str, value: object, path: Path) -> str:
    """What to say of a name that the schema does not have here."""
    what = "table" if isinstance(value, dict) else "key"
    if elsewhere := _elsewhere(table, name, path):
        return f"unknown {what}; it belongs in [{elsewhere}]"
    known = [*table.keys, *table.tables, *table.arrays]
    if hint := did_you_mean(name, known):
        return f"unknown {what}{hint}"
    return f"unknown {what}; expected {first_of(known) or 'none'}"


def _elsewhere(table: Table, name: str, path: Path) -> str:
    for inner, below in table.tables.items():
        if name in below.keys or name in below.tables:
            return dotted((*path, inner))
        if found := _elsewhere(below, name, (*path, inner)):
            return found
    return ""


def instead(name: str, known: Collection[str]) -> str:
    """What to say behind `no … "name"`: the name that was meant, or those that there are."""
    names = sorted(known)
    return did_you_mean(name, names) or f"; there are: {first_of(names) or 'none'}"


def first_of(names: Sequence[str]) -> str:
    """A list of names, cut where it gets long."""
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return ", ".join(names[:12]) + more
