"""What the processes of a training tell each other: JSON, one object a line.

Whatever comes is hostile until checked: lines are short, and all but objects
ends the connection.
"""

import json
import socket
import threading
import time
from typing import Any

_MOST_BYTES = 2**17
_SEND_SECONDS = 5.0


class Line:
    """A connection that carries JSON objects.

    Attributes:
        heard: when something last came, on the monotonic clock.

    Args:
        connection: a connected socket, which this closes.
    """

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(_SEND_SECONDS)
        if connection.family in (socket.AF_INET, socket.AF_INET6):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket, self._rest = connection, b""
        self._sending = threading.Lock()
        self.heard = time.monotonic()

    def fileno(self) -> int:
        """For `selectors`."""
        return self._socket.fileno()

    def send(self, **message: Any) -> bool:
        """Sends an object; False if the other side is not there any more."""
        data = json.dumps(message).encode() + b"\n"
        with self._sending:
            try:
                self._socket.sendall(data)
            except OSError:
                return False
        return True

    def receive(self) -> list[dict[str, Any]]:
        """What has come; waits if nothing has.

        Raises:
            ConnectionError: the other side has closed the connection.
            ValueError: it speaks something else.
        """
        try:
            data = self._socket.recv(2**16)
        except TimeoutError:
            return []
        except OSError as error:
            raise ConnectionError(str(error)) from error
        if not data:
            raise ConnectionError("closed")
        self.heard = time.monotonic()
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _MOST_BYTES:
            raise ValueError("a line without end")
        return [_object(line) for line in lines]

    def close(self) -> None:
        """Ends the connection."""
        self._socket.close()


def _object(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except RecursionError as error:
        raise ValueError("too deep") from error
    if not isinstance(value, dict):
        raise ValueError("no object")
    return value
