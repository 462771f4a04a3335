"""Keeps a local page local: what browsers may load, and who may ask."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
App = Callable[
    [
        Message,
        Callable[[], Awaitable[Message]],
        Callable[[Message], Awaitable[None]],
    ],
    Awaitable[None],
]

POLICY = (
    "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; "
    "frame-ancestors 'none'; base-uri 'self'"
)
"""Nothing is loaded from elsewhere: no fonts, no scripts, no analytics."""


class Shield:
    """ASGI middleware; answers only under the names of this machine.

    A page elsewhere may point a name of its own to 127.0.0.1, and have a
    browser ask us for pictures by it; the header `Host` tells.

    Args:
        app: what answers.
        hosts: names to answer under; empty: any.
    """

    def __init__(self, app: App, hosts: Iterable[str] = ()):
        self._app, self._hosts = app, frozenset(hosts)

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._hosts and _host(scope) not in self._hosts:
            await _refuse(send)
            return

        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                policy = b"content-security-policy", POLICY.encode()
                headers = [*message.get("headers", []), policy]
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, send_with_policy)


def _host(scope: Message) -> str:
    for name, value in scope.get("headers", ()):
        if name == b"host":
            return value.decode("latin-1").rsplit(":", 1)[0].lower()
    return ""


async def _refuse(send: Callable[[Message], Awaitable[None]]) -> None:
    body = b"This page answers on this machine only."
    headers = [(b"content-type", b"text/plain")]
    await send(
        {"type": "http.response.start", "status": 421, "headers": headers}
    )
    await send({"type": "http.response.body", "body": body})
