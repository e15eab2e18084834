"""Web origins and host names: how they are written, and which of them are this machine's own.

An origin is scheme, host and port (RFC 6454). A browser says with each request which origin its
page has; any other program may say what it likes, so a check of it is no authentication.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Final
from urllib.parse import urlsplit

LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})

ANY_ADDRESS: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  compared with, never bound

DEFAULT_PORTS: Final = {"http": 80, "https": 443}

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?")


def normal_origin(text: str) -> str:
    """Return an origin as browsers write it; raise ValueError for anything that is none."""
    parts = urlsplit(text)
    host = parts.hostname or ""
    if (
        parts.scheme not in DEFAULT_PORTS
        or not _is_host(host)
        or parts.path.strip("/")
        or parts.query
        or parts.fragment
        or parts.username is not None
    ):
        raise ValueError(
            f"{text!r} is no origin; write scheme and host, and the port where it isn't the usual "
            "one, e.g. https://example.org"
        )
    shown = f"[{host}]" if ":" in host else host
    port = "" if parts.port in {None, DEFAULT_PORTS[parts.scheme]} else f":{parts.port}"
    return f"{parts.scheme}://{shown}{port}"


def normal_host(text: str) -> str:
    """Return a host name in lower case; raise ValueError for anything that is none."""
    host = text.strip().lower().strip("[]")
    if not _is_host(host):
        raise ValueError(f"{text!r} is no host name; write it without scheme and port")
    return host


def host_of(authority: str) -> str | None:
    """Return the host of a Host header, without its port; None where the header is malformed."""
    try:
        parts = urlsplit(f"//{authority}")
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    if host is None or parts.netloc != authority or parts.username is not None:
        return None
    return host if _is_host(host) else None


def is_same_site(origin: str, authority: str) -> bool:
    """Say whether an origin is that of the host a request was sent to.

    The scheme is left out: behind a proxy that ends TLS, only the browser knows it.
    """
    try:
        parts = urlsplit(origin)
    except ValueError:  # a bracket that is never closed
        return False
    if parts.scheme not in DEFAULT_PORTS:
        return False
    port = DEFAULT_PORTS[parts.scheme]
    return _without_port(parts.netloc, port) == _without_port(authority.lower(), port)


def is_loopback(address: str | None) -> bool:
    """Say whether an address is this machine's own, or a name for it."""
    if address in LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(address or "").is_loopback
    except ValueError:
        return False


def is_among(address: str | None, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    """Say whether an address belongs to one of the networks."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    return any(found in network for network in networks)


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return len(host) <= 253 and _NAME.fullmatch(host) is not None
    return True


def _without_port(authority: str, port: int) -> str:
    return authority.removesuffix(f":{port}")
