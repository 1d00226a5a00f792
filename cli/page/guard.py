"""Who may ask: the hosts, origins and the token of requests, and the headers of every response.

A web page that is open in the same browser can send requests to this server, too. Foreign ones are refused by the name
that they call the server by (against DNS rebinding), by their origin, and by a token that only our page has. No header
of CORS is ever sent: so a browser sends nothing with the header of the token from elsewhere.
"""

import hmac
from collections.abc import Collection
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN = "X-Agerestore-Token"
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
SAFE = ("GET", "HEAD")
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(frozen=True)
class Hosts:
    """The names by which the server may be called.

    Attributes:
        port: That it listens on.
        names: Further names or addresses, which may come with any port, as behind a proxy.
    """

    port: int
    names: Collection[str] = ()

    def allow(self, host: str) -> bool:
        """Whether a request may bear this `Host`."""
        name, separator, port = host.lower().rpartition(":")
        if not separator or port.endswith("]"):  # without a port; an address of IPv6 has colons of its own
            name, port = host.lower(), "80"
        return name in self.names or (name in LOOPBACK and port == str(self.port))


@dataclass(frozen=True)
class Guard:
    """Refuses requests that are not our page's, and adds headers to each response.

    Attributes:
        app: What is guarded.
        token: That requests to the API must bear.
        hosts: By which the server may be called.
    """

    app: ASGIApp
    token: str
    hosts: Hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":  # of which there are none: neither sockets nor a lifespan
            raise RuntimeError(f"a scope of type {scope['type']}")

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        refusal = self._refusal(scope)
        await (refusal or self.app)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or not self.hosts.allow(hosts[0]):
            return _refused(421, "this name is not that of the server; start it with --allow-host NAME to allow it")
        if scope["method"] not in SAFE and any(each != f"{scope['scheme']}://{hosts[0]}" for each in origins):
            return _refused(403, "the request comes from another page")
        if not scope["path"].startswith("/api/"):
            return None
        given = headers.get(TOKEN, "")
        if not hmac.compare_digest(given.encode(), self.token.encode()):
            return _refused(
                401, f"the header {TOKEN} must bear the token of the address that `agerestore serve` printed"
            )
        return None


def _refused(status: int, error: str) -> JSONResponse:
    return JSONResponse({"error": error}, status)
