"""Server addresses as users type them, taken apart and checked.

    host:port                          gRPC
    http://host[:port][/prefix]        REST, or https

A host is a name, an IPv4 address or an IPv6 address in brackets. A password
has no place in an address, where process lists and logs show it: it is
refused, and no message repeats it.
"""

import dataclasses
import ipaddress
import re
import unicodedata
import urllib.parse

from crossnet_tf import terminal

_DEFAULT_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
_FORMS = "must be host:port (gRPC) or http://host:port (REST)"


@dataclasses.dataclass(frozen=True)
class Address:
    """Where a server listens.

    Attributes:
        scheme: "grpc", "http" or "https".
        host: ASCII; an IPv6 address without its brackets.
        port: 1 to 65535.
        path: what stands before `/v1/models`, without a slash at the end.
    """

    scheme: str
    host: str
    port: int
    path: str = ""

    @property
    def place(self) -> str:
        """`host:port`, with brackets where they are needed."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The address of REST, `path` included."""
        place = self.place
        if self.port == _DEFAULT_PORTS.get(self.scheme):
            place = place.rpartition(":")[0]
        return f"{self.scheme}://{place}{self.path}"

    @property
    def is_loopback(self) -> bool:
        """True if the server runs on this machine."""
        name = self.host.rstrip(".").lower()
        if name == "localhost" or name.endswith(".localhost"):
            return True
        try:
            address = ipaddress.ip_address(self.host)
        except ValueError:
            return False
        return address.is_loopback or address.is_unspecified


def parse(server: str) -> Address:
    """Takes an address apart.

    Raises:
        ValueError: it has neither of the two forms; the message shows it
            without its password.
    """
    if "@" in unicodedata.normalize("NFKC", server):  # as resolvers see it
        raise _wrong(server, "must hold no user and no password: --header_file")
    scheme, found, rest = server.partition("://")
    if not found:
        scheme, rest = "grpc", server
    scheme = scheme.lower()
    if scheme not in ("grpc", *_DEFAULT_PORTS) or (found and scheme == "grpc"):
        raise _wrong(server)
    place, slash, path = rest.partition("/")
    if scheme == "grpc" and slash:
        raise _wrong(server)
    if re.search(r"[?#\s\\]", path):
        raise _wrong(server, "must have a path without ?, # and spaces")
    host, port = _split(place, server)
    if port is None:
        port = _DEFAULT_PORTS.get(scheme)
        if port is None:
            raise _wrong(server)
    path = urllib.parse.quote(slash + path, safe="/%:~!$&'()*+,;=").rstrip("/")
    return Address(scheme, _host(host, server), port, path)


def redacted(server: str) -> str:
    """An address for messages: no password, no control characters.

    A token in a query counts as a password.
    """
    scheme, found, rest = server.partition("://")
    if not found:
        scheme, rest = "", server
    rest = unicodedata.normalize("NFKC", rest)
    if "@" in rest:
        rest = "***@" + rest.rpartition("@")[2]
    if re.search("[?#]", rest):
        rest = re.sub("[?#].*", "?***", rest, flags=re.DOTALL)
    text = scheme + found + rest
    text = terminal.printable(text)
    return text if len(text) <= 200 else text[:200] + "..."


def _split(place: str, server: str) -> tuple[str, int | None]:
    """Host (with brackets) and port of `host`, `host:port`, `[v6]:port`."""
    match = re.fullmatch(r"(\[[^\]]*\]|[^:\[\]]*)(:([^:]*))?", place)
    if not match:
        rule = "must have an IPv6 address in brackets, like [::1]:8500"
        raise _wrong(server, rule)
    if match[2] is None:
        return match[1], None
    if not re.fullmatch(r"[0-9]{1,5}", match[3]) or not (
        1 <= int(match[3]) <= 65535
    ):
        raise _wrong(server, "must have a port of 1 to 65535")
    return match[1], int(match[3])


def _host(host: str, server: str) -> str:
    """The host in ASCII, as resolvers take it."""
    if host.startswith("["):
        try:
            return str(ipaddress.IPv6Address(host[1:-1]))
        except ValueError:
            raise _wrong(server, "must have an IPv6 address in []") from None
    try:
        name = host.encode("idna").decode() if not host.isascii() else host
    except UnicodeError:
        name = ""
    if not _NAME.fullmatch(name) or len(name) > 253:
        raise _wrong(server, "must name a host" if host else _FORMS)
    return name


def _wrong(server: str, rule: str = _FORMS) -> ValueError:
    return ValueError(f"`server` {rule}. Received: server={redacted(server)}")
