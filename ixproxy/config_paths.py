"""Paths of a deployment file: relative ones begin where the file is, wherever a process runs."""

from __future__ import annotations

from dataclasses import replace
from os.path import normpath
from pathlib import Path

from ixproxy.config_capture import TRANSFORMATIONS
from ixproxy.config_deployment import Deployment
from ixproxy.config_tables import Application, CapturePoint, NodeApplication, ProxyApplication
from ixproxy.values import TlsFiles

_FILES = "sqlite:"
_MEMORY = ":memory:"


def placed(deployment: Deployment, directory: Path) -> Deployment:
    """`deployment` with every path in it absolute, begun at `directory`."""
    applications = {
        name: _placed(each, directory) for name, each in deployment.applications.items()
    }
    return replace(deployment, applications=applications)


def _placed(application: Application, directory: Path) -> Application:
    match application:
        case NodeApplication():
            return replace(
                application,
                store=_store(application.store, directory),
                event_logs=tuple(
                    replace(each, address=_store(each.address, directory))
                    for each in application.event_logs
                ),
                tls=_tls(application.tls, directory),
                capture=tuple(_capture(each, directory) for each in application.capture),
            )
        case ProxyApplication():
            return replace(application, tls=_tls(application.tls, directory))
        case _:
            return application


def _store(address: str, directory: Path) -> str:
    place = address.removeprefix(_FILES)
    if place in (address, _MEMORY):
        return address
    return _FILES + _path(place, directory)


def _capture(point: CapturePoint, directory: Path) -> CapturePoint:
    """What of it the node knows to be a path; what its maker is told beyond that stays."""
    settings = dict(point.chosen.settings)
    for key in TRANSFORMATIONS:
        if key in settings:
            settings[key] = _path(str(settings[key]), directory)
    return replace(point, chosen=replace(point.chosen, settings=settings))


def _tls(tls: TlsFiles | None, directory: Path) -> TlsFiles | None:
    return tls and replace(
        tls,
        certificate=_path(tls.certificate, directory),
        private_key=_path(tls.private_key, directory),
        trust=_path(tls.trust, directory),
    )


def _path(path: str, directory: Path) -> str:
    return normpath(directory.absolute() / path) if path else ""
