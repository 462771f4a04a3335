"""Which proxy stands between the client and a server, and how it is named.

Companies set `http_proxy` for everybody, and a request that a proxy swallows
looks like a server that is down. So servers on this machine are never asked
through a proxy, and where one is used each message names it, without its
password. REST takes what Python takes (also a system's own settings); gRPC
has rules of its own, which are repeated here to name what it will do.

Reference: gRPC, doc/environment_variables.md (`grpc_proxy`, `no_grpc_proxy`).
"""

import dataclasses
import os
import urllib.parse
import urllib.request

from .addresses import Address, redacted

_GRPC_VARIABLES = ("grpc_proxy", "https_proxy", "http_proxy")
_GRPC_EXCEPTIONS = ("no_grpc_proxy", "no_proxy")


@dataclasses.dataclass(frozen=True)
class Proxy:
    """A proxy and who asked for it.

    Attributes:
        url: `http://host:port`, perhaps with a password in it.
        source: the setting that names it, like "http_proxy".
    """

    url: str
    source: str

    def __str__(self) -> str:
        return f"the proxy {redacted(self.url)} of `{self.source}`"


def of(address: Address) -> Proxy | None:
    """The proxy that a request to `address` goes through, or None."""
    if address.is_loopback:
        return None
    return (
        _for_grpc(address) if address.scheme == "grpc" else _for_rest(address)
    )


def _for_rest(address: Address) -> Proxy | None:
    if urllib.request.proxy_bypass(address.place):
        return None
    proxies = urllib.request.getproxies()
    for kind in (address.scheme, "all"):
        if proxies.get(kind):
            return Proxy(_with_scheme(proxies[kind]), f"{kind}_proxy")
    return None


def _for_grpc(address: Address) -> Proxy | None:
    name = next((n for n in _GRPC_VARIABLES if os.environ.get(n)), None)
    exceptions = next(
        (os.environ[n] for n in _GRPC_EXCEPTIONS if os.environ.get(n)), ""
    )
    ends = [end.strip() for end in exceptions.split(",") if end.strip()]
    if name is None or any(address.host.endswith(end) for end in ends):
        return None
    return Proxy(_with_scheme(os.environ[name]), name)


def _with_scheme(url: str) -> str:
    return url if "://" in url else f"http://{url}"


def check(proxy: Proxy) -> None:
    """Refuses a proxy that REST cannot use.

    Raises:
        ValueError: not `http://host:port`.
    """
    try:
        parts = urllib.parse.urlsplit(proxy.url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        usable = usable and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(
            f"`{proxy.source}` must be http://host:port. "
            f"Received: {redacted(proxy.url)}"
        )
