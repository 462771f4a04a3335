"""What can go wrong between a client and a server, told apart in one line.

gRPC statuses, HTTP statuses and broken connections all become a
`RequestError` with a `Kind`, so that a user reads what to do next and not
which layer complained.
"""

import enum
import re

from crossnet_tf import terminal

_MAX_REASON = 300
_SIGNATURE = re.compile(
    r'[Ss]erving signature (?:key|name:) "(?P<name>.*?)" not found'
)
_LABEL = "Unrecognized servable version label"
_INPUTS = re.compile(
    "input size does not match signature|input tensor alias not found|"
    "Missing named input|Expects arg|is not of expected type"
)
_TOO_LARGE = re.compile("message larger than max|too large|413")
_ASSERTION = re.compile(
    r"assertion failed: \[(?P<text>.*?)\]\s*(?:\[\[|$)", re.S
)
_NODES = re.compile(r"\s*\[\[\{\{.*", re.S)


class Kind(enum.Enum):
    """What failed, as far as it can be told from here."""

    SERVER_DOWN = "server down"
    NOT_A_SERVER = "not a server"
    WRONG_MODEL = "wrong model"
    WRONG_SIGNATURE = "wrong signature"
    TOO_LARGE = "too large"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    NO_MEMORY = "no memory"
    OTHER = "other"


class RequestError(OSError):
    """A request that failed for good.

    Args:
        kind: what failed.
        message: one line for the user.
        retry: whether the same request may succeed later.
    """

    def __init__(self, kind: Kind, message: str, retry: bool = False):
        super().__init__(message)
        self.kind, self.retry = kind, retry


def from_status(
    status: str, details: str, where: str, model: str, timeout: float
) -> RequestError:
    """The error for an answer that is not OK.

    Args:
        status: gRPC's name, like "NOT_FOUND".
        details: the server's text.
        where: address of the server.
        model: name of the model, with its version if one was asked for.
        timeout: seconds that the request had.
    """
    reason = readable(details)
    signature = _SIGNATURE.search(details)
    if status == "UNAVAILABLE":
        text = f"No server answers at {where}: {reason}"
        return RequestError(Kind.SERVER_DOWN, text, retry=True)
    if status == "NOT_FOUND" or _LABEL in details:
        text = f"The server at {where} has no model {model}: {reason}"
        return RequestError(Kind.WRONG_MODEL, text)
    if signature:
        text = (
            f"The model has no signature `{signature['name']}`; exported "
            "models have encoded, uint8, serving_default and flow."
        )
        return RequestError(Kind.WRONG_SIGNATURE, text)
    if status == "INVALID_ARGUMENT" and _INPUTS.search(details):
        text = f"The signature takes other inputs: {reason}"
        return RequestError(Kind.WRONG_SIGNATURE, text)
    if status == "RESOURCE_EXHAUSTED" and _TOO_LARGE.search(details):
        text = f"The message is too large: {reason}. Give a smaller --max_side."
        return RequestError(Kind.TOO_LARGE, text)
    if status == "RESOURCE_EXHAUSTED":
        text = f"The server has not enough memory: {reason}"
        return RequestError(Kind.NO_MEMORY, text)
    if status == "DEADLINE_EXCEEDED":
        text = (
            f"No answer from {where} within {timeout:g} s. Give a larger "
            "--timeout or a smaller --max_side."
        )
        return RequestError(Kind.TIMEOUT, text)
    if status in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
        text = f"{where} asks who you are (--header_file): {reason}"
        return RequestError(Kind.REFUSED, text)
    if status == "UNIMPLEMENTED":
        text = f"{where} does not speak TensorFlow Serving's gRPC: {reason}"
        return RequestError(Kind.NOT_A_SERVER, text)
    if status in ("INVALID_ARGUMENT", "OUT_OF_RANGE", "FAILED_PRECONDITION"):
        return RequestError(Kind.REFUSED, f"The server refuses: {reason}")
    return RequestError(Kind.OTHER, f"{status} from {where}: {reason}")


def readable(details: str) -> str:
    """The reason in a server's text, on one line, without graph nodes."""
    assertion = _ASSERTION.search(details)
    text = assertion["text"] if assertion else _NODES.sub("", details)
    text = " ".join(text.split()).rstrip(".") or "no reason given"
    text = terminal.printable(text)
    return text if len(text) <= _MAX_REASON else text[:_MAX_REASON] + "..."
