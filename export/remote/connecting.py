"""Chooses the transport by the form of the server's address."""

from . import addresses
from .over_grpc import Grpc
from .over_rest import Rest
from .transport import Target, Transport


def connect(target: Target) -> Transport:
    """The transport that `target.server` asks for.

    Raises:
        ValueError: the address is neither of the two forms, or a proxy's is
            not one; a file of headers or certificates holds something else.
        FileNotFoundError: no such file.
    """
    address = addresses.parse(target.server)
    return (Grpc if address.scheme == "grpc" else Rest)(target)
