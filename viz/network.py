"""Where others in the same network reach this server."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from urllib.parse import urlsplit

import streamlit as st


def own_address() -> str | None:
    """This machine's address in its network; None where it has none, or where the server listens elsewhere alone."""
    bound = st.get_option("server.address")
    if bound and bound not in ("0.0.0.0", "::"):
        return None if only_here(bound) else bound
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # Sends nothing: asks the routing table for this machine's own address.
        if not only_here(found := probe.getsockname()[0]):
            return found
    return None


def only_here(host: str) -> bool:
    """Whether a host's name or address means the machine on which it is asked."""
    with contextlib.suppress(ValueError):
        address = ipaddress.ip_address(host.strip("[]"))
        return address.is_loopback or address.is_unspecified
    return host == "localhost" or host.endswith(".localhost")


def for_others(url: str) -> str | None:
    """The same link as others in the network can open it; None where they cannot."""
    parts = urlsplit(url)
    if not parts.hostname or not only_here(parts.hostname):
        return url
    if not (host := own_address()):
        return None
    host = f"[{host}]" if ":" in host else host
    return parts._replace(netloc=host + (f":{parts.port}" if parts.port else "")).geturl()
