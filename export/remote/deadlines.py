"""Sockets that keep one deadline, however slowly a server drips.

A socket's timeout holds for each call, so that a server which sends a byte now
and then keeps a client for ever. Here every call gets only what is left of
the thread's deadline: connecting, sending and the whole answer together.

`_new_conn` is a private name of urllib3; `test_rest_client.py` fails if it
goes.
"""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator

import urllib3

_thread = threading.local()


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """All socket calls of this thread inside the block end by then."""
    _thread.end = time.monotonic() + seconds
    try:
        yield
    finally:
        del _thread.end


def left() -> float:
    """Seconds until the deadline.

    Raises:
        TimeoutError: none.
    """
    seconds = _thread.end - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("deadline exceeded")
    return seconds


class _Keeping(socket.socket):
    """Gives each call what is left of the deadline."""

    def recv_into(self, *args, **kwargs) -> int:
        self.settimeout(left())
        return super().recv_into(*args, **kwargs)

    def sendall(self, *args, **kwargs) -> None:
        self.settimeout(left())
        return super().sendall(*args, **kwargs)


class _Socket(_Keeping):
    pass


class _TlsSocket(_Keeping, ssl.SSLSocket):
    pass


def context(root_certificates: str) -> ssl.SSLContext:
    """TLS whose sockets keep deadlines.

    Args:
        root_certificates: PEM file to trust instead of the system's, or "".
    """
    made = ssl.create_default_context(cafile=root_certificates or None)
    made.sslsocket_class = _TlsSocket
    return made


class _Connecting(urllib3.connection.HTTPConnection):
    def _new_conn(self) -> socket.socket:
        self.timeout = left()
        plain = super()._new_conn()
        timeout = plain.gettimeout()
        kept = _Socket(fileno=plain.detach())
        kept.settimeout(timeout)
        return kept


class _Http(_Connecting):
    pass


class _Https(_Connecting, urllib3.connection.HTTPSConnection):
    pass


class _HttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Https


# What `urllib3.PoolManager` makes its pools of.
POOLS = {"http": _HttpPool, "https": _HttpsPool}
