"""Chooses the transport by the form of the server's address."""

import urllib.parse

from export.remote.over_grpc import Grpc
from export.remote.over_rest import Rest
from export.remote.transport import Target, Transport


def connect(target: Target) -> Transport:
    """The transport that `target.server` asks for.

    Raises:
        ValueError: the address is neither of the two forms.
        FileNotFoundError: no file of certificates.
    """
    url = urllib.parse.urlsplit(target.server)
    if url.scheme in ("http", "https") and url.netloc:
        return Rest(target)
    host, _, port = target.server.rpartition(":")
    if "/" in target.server or not (host and port.isdigit()):
        raise ValueError(
            "`server` must be host:port (gRPC) or http://host:port (REST). "
            f"Received: server={target.server}"
        )
    return Grpc(target)
