"""Asks TensorFlow Serving by REST: JSON in columnar form over HTTP.

The row form ("instances") cannot hold LR and REF, whose sizes differ. Byte
strings travel in base64, which the server does for outputs whose name ends in
`_bytes`. urllib3 keeps connections open between requests and goes through
proxies; `deadlines.py` holds it to one deadline. What comes back is hostile
until checked: no redirect is followed, nothing is unpacked, an answer longer
than `max_answer` is left.
"""

import http
import http.client
import json
import urllib.parse
from typing import Any

import urllib3

from . import deadlines, json_values, proxies
from .failures import Kind, RequestError
from .transport import Target, Transport

_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_PIECE = 2**16
_MAX_REFUSAL = 2**16  # bytes read of an answer that says no


class Rest(Transport):
    """JSON over HTTP, in columnar form; strings travel in base64."""

    def __init__(self, target: Target, **kwargs):
        super().__init__(target, **kwargs)
        version = f"/versions/{target.version}" if target.version else ""
        if target.label:
            version = f"/labels/{urllib.parse.quote(target.label, safe='')}"
        model = urllib.parse.quote(target.model, safe="")
        base = self._address.url
        self._url = f"{base}/v1/models/{model}{version}:predict"
        self._headers["content-type"] = "application/json"
        self._pool = self._make_pool()

    def close(self) -> None:
        """Closes the connections."""
        self._pool.clear()

    def _make_pool(self) -> urllib3.PoolManager:
        options: dict[str, Any] = {"retries": False, "maxsize": 64}
        if self._address.scheme == "https":
            roots = self._target.root_certificates
            options["ssl_context"] = deadlines.context(roots)
        if self._proxy:
            proxies.check(self._proxy)
            user = urllib3.util.parse_url(self._proxy.url).auth
            asked = urllib.parse.unquote(user) if user else None
            headers = urllib3.make_headers(proxy_basic_auth=asked)
            pool: urllib3.PoolManager = urllib3.ProxyManager(
                self._proxy.url, proxy_headers=headers, **options
            )
        else:
            pool = urllib3.PoolManager(**options)
        pool.pool_classes_by_scheme = deadlines.POOLS
        return pool

    def _once(self, signature, inputs):
        columns = {n: json_values.to_json(v) for n, v in inputs.items()}
        body = {"signature_name": signature, "inputs": columns}
        status, data = self._post(json.dumps(body).encode())
        if status != http.HTTPStatus.OK:
            raise self._refusal(status, data)
        if data.startswith(b"{") and not data.rstrip().endswith(b"}"):
            raise self._error("UNAVAILABLE", "the answer ends in the middle")
        try:
            return json_values.outputs(data)
        except ValueError as error:
            raise self._not_a_server(str(error)) from error

    def _post(self, body: bytes) -> tuple[int, bytes]:
        """Status and content of an answer.

        Raises:
            RequestError: there is none that can be used.
        """
        try:
            with deadlines.within(self._target.timeout):
                response = self._pool.request(
                    "POST",
                    self._url,
                    body=body,
                    headers=self._headers,
                    redirect=False,
                    preload_content=False,
                    decode_content=False,
                    timeout=deadlines.left(),
                )
                try:
                    return response.status, self._read(response)
                except BaseException:
                    response.close()
                    raise
        except RequestError:
            raise
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._broken(error) from error

    def _read(self, response: urllib3.BaseHTTPResponse) -> bytes:
        is_answer = response.status == http.HTTPStatus.OK
        limit = self._target.max_answer if is_answer else _MAX_REFUSAL
        coding = response.headers.get("content-encoding", "identity")
        if coding.lower() != "identity":
            raise self._not_a_server(f"it is coded as {coding[:40]!r}.")
        data = bytearray()
        for piece in response.stream(_PIECE):
            data += piece
            if len(data) > limit and is_answer:
                raise self._too_large()
            if len(data) > limit:
                response.close()
                break
        return bytes(data[:limit])

    def _broken(self, error: Exception) -> RequestError:
        """The error for a connection that brought no answer."""
        exceptions = urllib3.exceptions
        cause = _cause(error)
        timeouts = exceptions.ConnectTimeoutError, exceptions.ReadTimeoutError
        is_timeout = isinstance(error, timeouts) and not isinstance(
            error,
            exceptions.NewConnectionError,  # urllib3: also a timeout
        )
        if is_timeout or isinstance(cause, TimeoutError):
            return self._error("DEADLINE_EXCEEDED", "")
        if isinstance(error, exceptions.SSLError):
            reason = getattr(cause, "verify_message", "") or str(cause)
            text = f"No trust in {self._where}: {' '.join(reason.split())}"
            return RequestError(Kind.SERVER_DOWN, text)
        is_connection = isinstance(cause, ConnectionError | EOFError)
        is_http = isinstance(cause, http.client.HTTPException)
        is_cut = isinstance(cause, http.client.IncompleteRead)
        if is_http and not (is_connection or is_cut):
            text = f"{self._where} does not speak HTTP: {cause!r}"[:400]
            return RequestError(Kind.NOT_A_SERVER, text)
        return self._error("UNAVAILABLE", _reason(error, cause))

    def _refusal(self, status: int, data: bytes) -> RequestError:
        text = data.decode(errors="replace")
        if 300 <= status < 400:
            return self._not_a_server(f"it redirects (HTTP {status}).")
        if status == http.HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            return self._error("UNAUTHENTICATED", "the proxy asks who you are")
        try:
            # absl escapes quotes in a way that JSON does not know.
            text = json.loads(text.replace("\\'", "'"))["error"]
        except (ValueError, KeyError, TypeError, RecursionError):
            if status == http.HTTPStatus.NOT_FOUND:
                return self._not_a_server("HTTP 404.")
        if status == http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return self._error("RESOURCE_EXHAUSTED", "413, too large")
        return self._error(_STATUS.get(status, f"HTTP {status}"), str(text))


def _cause(error: Exception) -> Exception:
    """What happened in the end, under urllib3's wrappers."""
    inner = getattr(error, "original_error", None) or next(
        (a for a in reversed(error.args) if isinstance(a, Exception)), None
    )
    return error if inner is None or inner is error else _cause(inner)


def _reason(error: Exception, cause: Exception) -> str:
    if isinstance(error, urllib3.exceptions.ProtocolError):
        return f"the connection broke, {cause}"
    text = str(cause)
    # "HTTPConnection(host='a', port=1): Failed to ...: [Errno 111] ..."
    return text.rpartition("): ")[2] if "): " in text else text
