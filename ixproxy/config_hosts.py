"""Advice on listeners and endpoints: who can reach whom, and who else can."""

from __future__ import annotations

from ixproxy.addresses import connect_address, everywhere, listen_address, loopback
from ixproxy.config_rules import Case, Rule


def _open_listeners_have_tls(case: Case) -> None:
    for each in case.servers():
        if each.tls is None and each.listen and everywhere(listen_address(each.listen)):
            text = (
                "listens on every address of its host, and without TLS: whoever reaches the port"
                " can read and send; name an interface, or a certificate"
            )
            case.advise(each.name, "listen", text)


def _endpoints_lead_to_other_hosts(case: Case) -> None:
    elsewhere: dict[str, str] = {}
    for proxy in case.deployment.proxies():
        if proxy.endpoint and not loopback(connect_address(proxy.endpoint)):
            for name in case.deployment.connected(proxy.connections):
                elsewhere.setdefault(name, proxy.name)
    for each in case.servers():
        name = each.primary or each.name
        if name in elsewhere and each.endpoint and loopback(connect_address(each.endpoint)):
            text = (
                f'it leads nowhere but to the host that it is used on, and "{elsewhere[name]}",'
                " which connects to it, is reached at another"
            )
            case.advise(each.name, "endpoint", text)


def _silent_peers_are_found(case: Case) -> None:
    for each in case.servers():
        if not each.primary and not each.settings.keep_alive_interval:
            text = "0: a peer that vanished without a word is never found, nor what it held"
            case.advise_setting(each.name, "keep-alive-interval", text)


ADVICE: tuple[Rule, ...] = (
    _open_listeners_have_tls,
    _endpoints_lead_to_other_hosts,
    _silent_peers_are_found,
)
