"""Who may ask: the hosts, origins and the token of requests, and the headers of every response.

Any web page that is open in the same browser can send requests to this server. They are refused by the name that they
call it by (DNS rebinding), by their origin, and by a token that only our page has. No header of CORS is ever sent, so a
browser sends nothing that bears the token from elsewhere.
"""

import hmac
from collections.abc import Collection
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN = "X-Agerestore-Token"
HTTP = 80  # the port that browsers do not name
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
POLICY = "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'none'; "
HEADERS = {
    "Content-Security-Policy": f"{POLICY}frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(frozen=True)
class Guard:
    """Refuses requests to `app` that are not our page's, and adds headers to each response."""

    app: ASGIApp
    token: str
    port: int  # that the server listens on, and is called by under the names of this machine
    names: Collection[str] = ()  # further names that it may be called by, with any port, as behind a proxy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            raise RuntimeError(f"nothing here answers to {scope['type']}")

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await (self._refusal(scope) or self.app)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or not self._is_ours(hosts[0].lower()):
            return _refused(421, "the server does not know itself by this name; start it with --allow-host NAME")
        own = [f"http://{hosts[0]}"]
        if not self._is_local(hosts[0].lower()):  # but through a proxy, which may speak TLS
            own.append(f"https://{hosts[0]}")
        if scope["method"] not in ("GET", "HEAD") and not set(origins) <= set(own):
            return _refused(403, "the request comes from another page")
        given = headers.get(TOKEN, "").encode()
        if scope["path"].startswith("/api/") and not hmac.compare_digest(given, self.token.encode()):
            return _refused(401, f"the header {TOKEN} must bear the token of the address that was printed")
        return None

    def _is_ours(self, host: str) -> bool:
        name, _, port = host.rpartition(":")
        return self._is_local(host) or host in self.names or (name in self.names and port.isdecimal())

    def _is_local(self, host: str) -> bool:
        return host in [f"{name}:{self.port}" for name in LOOPBACK] or (self.port == HTTP and host in LOOPBACK)


def _refused(status: int, error: str) -> JSONResponse:
    return JSONResponse({"error": error}, status)
