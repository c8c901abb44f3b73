"""
Make the values of a deployment out of its tables.

Everything is made, also from a file with mistakes: what did not fit is left
at its default, so that the rules across tables can be held against the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ixproxy.addresses import endpoint_of, listen_address
from ixproxy.config_capture import capture_point
from ixproxy.config_check import Findings, Fitting, first_of, fit, instead
from ixproxy.config_deployment import Deployment
from ixproxy.config_eventlog import event_logs
from ixproxy.config_keys import Unfit, plain_name, shown
from ixproxy.config_node_options import NodeSettings
from ixproxy.config_options import (
    AgentReservation,
    HealthService,
    LoggerSettings,
    MediaTypeSettings,
    NodeClusterSettings,
    NodeLicences,
    ProxySettings,
    WarmStandbyOptions,
)
from ixproxy.config_schema import (
    APPLICATION_TYPES,
    BACKUP,
    INTERACTION_SERVER,
    NODE,
    PROXY,
    ROOT,
    SERVER_BACKUP,
    WARM_STANDBY,
    Table,
)
from ixproxy.config_sections import section_of
from ixproxy.config_tables import (
    Allow,
    Application,
    Chosen,
    Cluster,
    CustomProperty,
    MediaType,
    NodeApplication,
    ProxyApplication,
    Queue,
    ServerApplication,
    Tenant,
    View,
    Workbin,
)
from ixproxy.values import TlsFiles

APPLICATIONS = ("applications",)


def build(tables: Mapping[str, object], findings: Findings) -> Deployment:
    """The deployment that `tables` describe, as far as they fit."""
    root = fit(ROOT, tables, (), findings)
    tenants = root.tables["tenants"].named if "tenants" in root.tables else {}
    licences = root.tables.get("licences")
    seats: Any = licences.values["agent-seats"] if licences else None
    return Deployment(
        {name: _tenant(name, fitting) for name, fitting in tenants.items()},
        _applications(tables.get("applications"), findings),
        seats,
    )


def _tenant(name: str, fitting: Fitting) -> Tenant:
    values: dict[str, Any] = fitting.values

    def listed(key: str) -> frozenset[str] | None:
        return None if values[key] is None else frozenset(values[key])

    def named(table: str) -> Mapping[str, Fitting]:
        found = fitting.tables.get(table)
        return found.named if found else {}

    return Tenant(
        name,
        values["id"],
        {each: _media_type(each, made) for each, made in named("media-types").items()},
        {each: _queue(each, made) for each, made in named("queues").items()},
        {each: Workbin(each, _str(made, "owner")) for each, made in named("workbins").items()},
        {
            each: CustomProperty(each, _str(made, "type"))
            for each, made in named("custom-properties").items()
        },
        listed("agents"),
        listed("places"),
        values["agent-groups"],
        values["place-groups"],
        listed("routers"),
        listed("strategies"),
    )


def _media_type(name: str, fitting: Fitting) -> MediaType:
    settings = section_of(MediaTypeSettings, fitting.options("settings"))
    return MediaType(name, bool(fitting.values["enabled"]), settings)


def _queue(name: str, fitting: Fitting) -> Queue:
    views = fitting.tables.get("views")
    return Queue(
        name, {each: _view(each, made) for each, made in views.named.items()} if views else {}
    )


def _view(name: str, fitting: Fitting) -> View:
    values: dict[str, Any] = fitting.values
    return View(
        name,
        values["condition"],
        values["order"],
        values["segmentation"],
        values["segment-limit"],
        values["freeze-interval"],
        values["strategy"],
    )


def _applications(given: object, findings: Findings) -> dict[str, Application]:
    if not isinstance(given, dict):
        return {}
    primaries = _primaries(given)
    made: dict[str, Application] = {}
    # Primaries first, for a backup is made from its primary.
    for name in sorted(given, key=lambda name: name in primaries):
        path = (*APPLICATIONS, name)
        try:
            plain_name(name)
        except ValueError as problem:
            findings.error(APPLICATIONS, name, f"{shown(name)}: {problem}")
        if not isinstance(given[name], dict):
            findings.error(APPLICATIONS, name, f"expected a table, not {shown(given[name])}")
        elif name in primaries:
            if (backup := _backup(name, given, made.get(primaries[name]), findings)) is not None:
                made[name] = backup
        elif (table := _schema(given[name], path, findings)) is not None:
            made[name] = _application(
                name, table, fit(table, given[name], path, findings), findings
            )
    return {name: made[name] for name in given if name in made}


def _primaries(given: Mapping[str, object]) -> dict[str, str]:
    """
    Backup to primary. Neither names the other side of a pair as well: of a
    chain or a circle the first in the file is a pair, and a rule reports the rest.
    """
    primaries: dict[str, str] = {}
    for name, table in given.items():
        backup = table.get("backup") if isinstance(table, dict) else None
        if (
            isinstance(backup, str)
            and backup in given
            and backup not in (name, *primaries, *primaries.values())
            and name not in primaries
        ):
            primaries[backup] = name
    return primaries


def _schema(given: Mapping[str, object], path: tuple[str, ...], findings: Findings) -> Table | None:
    type = given.get("type")
    if not isinstance(type, str) or type not in APPLICATION_TYPES:
        if type is None:
            known = first_of([f'"{each}"' for each in APPLICATION_TYPES])
            text = f"missing; expected one of {known}; only a backup that is named has none"
        else:
            hint = instead(type, APPLICATION_TYPES) if isinstance(type, str) else ""
            text = f"expected the type of an application, not {shown(type)}{hint}"
        findings.error(path, "type", text)
        return None
    if type != INTERACTION_SERVER:
        return APPLICATION_TYPES[type]
    try:
        return PROXY if NODE.keys["role"].read(given.get("role", "node")) == "proxy" else NODE
    except Unfit as problem:
        # It is not known as what to check the rest.
        findings.error(path, "role", str(problem))
        return None


def _application(name: str, table: Table, fitting: Fitting, findings: Findings) -> Application:
    if table is NODE:
        return _node(name, fitting)
    if table is PROXY:
        return _proxy(name, fitting)
    values: dict[str, Any] = fitting.values
    if "dbid" not in values:
        options = fitting.tables.get("options")
        settings = options.tables.get("cluster-settings") if options else None
        kind = _str(settings, "cluster-type") if settings else ""
        return Cluster(name, kind, values["connections"], _standby(options, findings))
    options = fitting.tables.get("options")
    return ServerApplication(
        name,
        values["type"],
        values["dbid"],
        values["tenants"],
        values["endpoint"],
        values["backup"],
        connections=values["connections"],
        options=_sections(options) if options else {},
        standby=_standby(options, findings),
        app_type=values["app-type"],
        tls=_tls(fitting),
    )


def _standby(options: Fitting | None, findings: Findings) -> WarmStandbyOptions:
    """The options of `warm-standby`, from a table or from quoted keys with a dot."""
    settings = options.tables.get("settings") if options else None
    if settings is None:
        return WarmStandbyOptions()
    table = settings.tables.get(WARM_STANDBY)
    given = {name: table.values[name] for name in table.given} if table else {}
    for key in sorted(settings.given):
        name = key.removeprefix(f"{WARM_STANDBY}.")
        if name in given:
            findings.error(settings.path, key, f"{WARM_STANDBY} has {name} already")
        given[name] = settings.values[key]
    return section_of(WarmStandbyOptions, given)


def _sections(options: Fitting) -> dict[str, Mapping[str, object]]:
    """A foreign application's options, checked ones and others alike."""
    sections: dict[str, Mapping[str, object]] = {
        name: {key: made.values[key] for key in made.given} for name, made in options.named.items()
    }
    for name, made in options.tables.items():
        sections[name] = _as_given(made)
    for name, section in options.rest.items():
        if isinstance(section, dict):
            sections[name] = section
    return sections


def _as_given(made: Fitting) -> dict[str, object]:
    inner = {name: _as_given(each) for name, each in made.tables.items()}
    return {**made.rest, **{key: made.values[key] for key in made.given}, **inner}


def _node(name: str, fitting: Fitting) -> NodeApplication:
    values: dict[str, Any] = fitting.values
    return NodeApplication(
        name,
        values["dbid"],
        values["tenants"],
        values["listen"],
        _endpoint(fitting),
        values["store"],
        event_logs(fitting),
        values["backup"],
        connections=values["connections"],
        tls=_tls(fitting),
        allow=_allow(fitting),
        capture=tuple(map(capture_point, fitting.arrays.get("capture", []))),
        settings=section_of(NodeSettings, fitting.options("settings")),
        cluster_settings=section_of(NodeClusterSettings, fitting.options("cluster-settings")),
        agent_reservation=section_of(AgentReservation, fitting.options("agent-reservation")),
        health_service=section_of(HealthService, fitting.options("health-service")),
        logger_settings=section_of(LoggerSettings, fitting.options("logger-settings")),
        licences=section_of(NodeLicences, fitting.options("licences")),
    )


def _proxy(name: str, fitting: Fitting) -> ProxyApplication:
    values: dict[str, Any] = fitting.values
    return ProxyApplication(
        name,
        values["listen"],
        _endpoint(fitting),
        values["connections"],
        values["dbid"],
        values["tenants"],
        values["backup"],
        tls=_tls(fitting),
        allow=_allow(fitting),
        settings=section_of(ProxySettings, fitting.options("settings")),
        routing=_chosen(fitting, "routing", "round-robin"),
        pull=_chosen(fitting, "pull", "round-robin"),
        merge=_chosen(fitting, "merge", "union"),
    )


def _backup(
    name: str, given: Mapping[str, Any], primary: Application | None, findings: Findings
) -> Application | None:
    """A backup: its own addresses and TLS, and everything else of its primary."""
    path = (*APPLICATIONS, name)
    if primary is None or isinstance(primary, Cluster):
        return None
    server = isinstance(primary, ServerApplication)
    table = SERVER_BACKUP if server else BACKUP
    own = dict(given[name])
    for key in [key for key in own if key not in table.keys and key not in table.tables]:
        del own[key]
        text = f'a backup has no backup itself; "{primary.name}" names it as its own'
        if key != "backup":
            text = f'a backup inherits this from "{primary.name}": expected it there only'
        findings.error(path, key, text)
    fitting = fit(table, own, path, findings)
    for key, default in (("type", ""), ("role", "node")):
        expected = given[primary.name].get(key, default)
        if own.get(key, expected) != expected:
            text = f'expected the same as that of its primary "{primary.name}": {shown(expected)}'
            findings.error(path, key, text)
    values: dict[str, Any] = fitting.values
    if isinstance(primary, ServerApplication):
        return replace(
            primary,
            name=name,
            primary=primary.name,
            backup="",
            endpoint=values["endpoint"],
            tls=_tls(fitting),
        )
    return replace(
        primary,
        name=name,
        primary=primary.name,
        backup="",
        listen=values["listen"],
        endpoint=_endpoint(fitting),
        tls=_tls(fitting),
    )


def _endpoint(fitting: Fitting) -> str:
    """The endpoint that is given, or how this host reaches what `listen` says."""
    given, listen = _str(fitting, "endpoint"), _str(fitting, "listen")
    return given or (endpoint_of(listen_address(listen)) if listen else "")


def _tls(fitting: Fitting) -> TlsFiles | None:
    tls = fitting.tables.get("tls")
    if tls is None:
        return None
    demanded = bool(tls.values["require-client-certificate"])
    return TlsFiles(
        _str(tls, "certificate"), _str(tls, "private-key"), _str(tls, "trust"), demanded
    )


def _allow(fitting: Fitting) -> tuple[Allow, ...]:
    return tuple(
        Allow(
            _str(each, "subject"),
            _tuple(each, "client-types"),
            _tuple(each, "tenants"),
            _str(each, "user"),
        )
        for each in fitting.arrays.get("allow", [])
    )


def _chosen(fitting: Fitting, table: str, default: str) -> Chosen:
    found = fitting.tables.get(table)
    return Chosen(_str(found, "use") or default, found.rest) if found else Chosen(default)


def _str(fitting: Fitting, key: str) -> str:
    return str(fitting.values[key])


def _tuple(fitting: Fitting, key: str) -> tuple[str, ...]:
    value: Any = fitting.values[key]
    return tuple(value)
