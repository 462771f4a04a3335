"""What gRPC and REST have in common: whom to ask, and asking again.

Both transports take and return the same values: arrays (float32, uint8) and
lists of byte strings, by the names of the signature. What may pass, such as a
server that restarts, is tried again after 0.2, 0.4, 0.8, ... seconds, each
drawn from the upper half of that time so that clients do not come back all at
once. Deadlines hold for each attempt, over connecting, sending and the whole
answer, and an answer has at most `max_answer` bytes.
"""

import dataclasses
import random
import time
from collections.abc import Callable, Mapping

import numpy as np

from crossnet_tf import regular

from . import addresses, header_files, proxies
from .failures import Kind, RequestError, from_status

Value = np.ndarray | list[bytes]
MAX_ANSWER = 2**28
_FIRST_DELAY, _LAST_DELAY = 0.2, 5.0
_MAX_CERTIFICATES = 2**20
_PEM = b"-----BEGIN CERTIFICATE-----"


@dataclasses.dataclass(frozen=True)
class Target:
    """Which model on which server, and how patiently.

    Attributes:
        server: `host:port` for gRPC, `http://...` or `https://...` for REST.
        model: its name on the server.
        version: number of a version; 0: the latest.
        label: label of a version, instead of a number.
        timeout: seconds for each attempt.
        retries: further attempts while the server is unavailable.
        tls: encrypt gRPC (REST does so by `https`).
        root_certificates: PEM file to trust instead of the system's.
        header_file: file of headers to send with each request, or "".
        max_answer: bytes that an answer has at most.
    """

    server: str
    model: str = "crossnet"
    version: int = 0
    label: str = ""
    timeout: float = 60.0
    retries: int = 5
    tls: bool = False
    root_certificates: str = ""
    header_file: str = ""
    max_answer: int = MAX_ANSWER

    @property
    def shown(self) -> str:
        """The model as messages name it."""
        wanted = self.label or (self.version and str(self.version)) or ""
        return f"`{self.model}`" + (f", version {wanted}" if wanted else "")


class Transport:
    """What gRPC and REST have in common: trying again."""

    def __init__(
        self, target: Target, sleep: Callable[[float], None] = time.sleep
    ):
        self._target, self._sleep = target, sleep
        self._random = random.Random()
        self._address = addresses.parse(target.server)
        self._proxy = proxies.of(self._address)
        self._headers = (
            header_files.read(target.header_file) if target.header_file else {}
        )
        self._roots = _read_certificates(target.root_certificates)

    def predict(
        self, signature: str, inputs: Mapping[str, Value]
    ) -> dict[str, Value]:
        """Asks the server, again if it is worth it. Thread-safe.

        Args:
            signature: its name in the SavedModel.
            inputs: float32 or uint8 arrays, or lists of byte strings.

        Returns:
            The signature's outputs.

        Raises:
            RequestError: no answer, or it says no.
        """
        delay = _FIRST_DELAY
        for left in range(self._target.retries, -1, -1):
            try:
                return self._once(signature, inputs)
            except RequestError as error:
                if not (error.retry and left):
                    raise
            self._sleep(delay * self._random.uniform(0.5, 1.0))
            delay = min(2 * delay, _LAST_DELAY)
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Frees the connections."""

    def _once(
        self, signature: str, inputs: Mapping[str, Value]
    ) -> dict[str, Value]:
        raise NotImplementedError

    @property
    def _where(self) -> str:
        """The server as messages name it, with the proxy before it."""
        where = addresses.redacted(self._target.server)
        return f"{where} through {self._proxy}" if self._proxy else where

    def _error(self, status: str, details: str) -> RequestError:
        where, model = self._where, self._target.shown
        timeout = self._target.timeout
        return from_status(status, details, where, model, timeout)

    def _not_a_server(self, what: str) -> RequestError:
        text = f"{self._where} does not answer as TensorFlow Serving: {what}"
        return RequestError(Kind.NOT_A_SERVER, text)

    def _too_large(self) -> RequestError:
        text = (
            f"The answer of {self._where} must have at most "
            f"{self._target.max_answer:,} bytes. Received: more."
        )
        return RequestError(Kind.TOO_LARGE, text)


def _read_certificates(path: str) -> bytes | None:
    """Certificates to trust, or None for the system's."""
    if not path:
        return None
    data = regular.check_size(path, _MAX_CERTIFICATES).read_bytes()
    if _PEM not in data:
        raise ValueError(
            "`root_certificates` must be a PEM file of certificates. "
            f"Received: root_certificates={path}"
        )
    return data
