"""``agerestore serve``."""

import importlib.util
import secrets
import socket
import threading
import webbrowser
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agerestore.config.limits import MAX_PIXELS
from agerestore.errors import UsageError
from agerestore.files import printable

from ._options import IMAGE, OUTPUT, SERVER, SPEED, Compute, flag, option, with_groups
from ._terminal import echo

if TYPE_CHECKING:
    from collections.abc import Callable

    import uvicorn

    from .page.guard import Guard
    from .page.service import Service

LOOPBACK, PORT = "127.0.0.1", 8765
ANY = ("0.0.0.0", "::")  # addresses that stand for all of this machine
SHORTEST = 8  # characters of a token
LARGEST = 200  # megabytes of an upload
CONNECTIONS = 100  # at a time; what is beyond is answered with 503


@with_groups
def serve(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="Images to work through, with all folders below it.")
    ] = None,
    out: Annotated[
        Path | None, option(OUTPUT, metavar="OUT", help="The folder for the results of FOLDER; else FOLDER.restored.")
    ] = None,
    host: Annotated[
        str, option(SERVER, metavar="ADDRESS", help="Listen there; the default can be reached from this machine alone.")
    ] = LOOPBACK,
    port: Annotated[int, option(SERVER, min=0, max=65535, metavar="N", help="0 takes any that is free.")] = PORT,
    token: Annotated[
        str | None, option(SERVER, metavar="TEXT", help="What clients must know, instead of a random one.")
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        option(SERVER, "--allow-host", metavar="NAME",
               help="A further name or address that browsers call the server by; repeat it for others."),
    ] = None,
    open_page: Annotated[bool, flag(SERVER, "--open", help="Open the page in the browser.")] = False,
    memory: Annotated[
        int, option(SPEED, min=16, metavar="MB", help="Hold so many megabytes of images and results.")
    ] = 1000,
    max_pixels: Annotated[int, option(IMAGE, min=1, metavar="N", help="Refuse images of more pixels.")] = MAX_PIXELS,
    *,
    compute: Compute,
) -> None:  # fmt: skip
    """Serve a page for the browser: see before and after, paint a mask, choose colors.

    Images stay on this machine, in memory, and are gone when the server ends; results are the bytes that the command
    writes. With FOLDER its images are listed, and results go to OUT, which remembers them. Ctrl-C ends the server.
    """
    _require_extra()
    if folder is None and out is not None:
        raise UsageError("--out is for the results of a folder; give that, too")
    if folder is not None and not folder.is_dir():
        raise UsageError(f"{printable(folder)}: no such folder; check the name")
    if token is not None and len(token) < SHORTEST:
        raise UsageError(f"--token has {len(token)} characters; take at least {SHORTEST}, or leave it out")
    held = memory * 10**6
    options = {"max_pixels": max_pixels, "max_bytes": min(held, LARGEST * 10**6), "memory": held, **asdict(compute)}
    with _listen(host, port) as listening:
        own = [] if host in ANY else [f"[{host}]" if ":" in host else host]
        names = [name.lower() for name in [*(allow_host or []), *own]]
        _run(partial(_load, folder, out, options), listening, names, token or secrets.token_urlsafe(16), open_page)


def _require_extra() -> None:
    missing = [name for name in ("starlette", "uvicorn", "cachetools") if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"serve needs {' and '.join(missing)}; pip install 'agerestore[serve]'")


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        what = f"cannot be listened on ({error.strerror}); choose another --port, or 0 for any that is free"
        raise UsageError(f"{host}, port {port}: {what}") from None


def configured(app: "Guard") -> "uvicorn.Config":
    """How an application is served: without names and versions in its answers, and without waiting for long."""
    import uvicorn

    return uvicorn.Config(
        app, log_level="warning", access_log=False, ws="none", lifespan="off", server_header=False, proxy_headers=False,
        limit_concurrency=CONNECTIONS, timeout_keep_alive=5, timeout_graceful_shutdown=2,
    )  # fmt: skip


def _load(folder: Path | None, out: Path | None, options: dict[str, Any]) -> "Service":
    """Import what computes, and load models."""
    from .page.folder import Folder
    from .page.service import Options, Service

    service = Service(Options(**options), None if folder is None else Folder(folder, out))
    service.load()
    return service


def _run(
    load: "Callable[[], Service]", listening: socket.socket, names: list[str], token: str, open_page: bool
) -> None:
    """Serve until Ctrl-C; the service is loaded meanwhile, and if it cannot be that is raised."""
    import uvicorn

    from .page.app import Api
    from .page.guard import Guard

    port, loading = listening.getsockname()[1], Future["Service"]()
    server = uvicorn.Server(configured(Guard(Api(loading).app(), token, port, names)))

    def load_behind() -> None:
        try:
            loading.set_result(load())
        except BaseException as error:
            loading.set_exception(error)
            server.should_exit = True

    address = f"http://{names[0] if names else LOOPBACK}:{port}/#{token}"
    echo(f"agerestore serves {address}  (Ctrl-C ends it)")
    threading.Thread(target=load_behind, name="loading", daemon=True).start()
    if open_page:
        threading.Thread(target=webbrowser.open, args=[address], daemon=True).start()
    with suppress(KeyboardInterrupt):  # which is how people end it
        server.run([listening])
    if loading.done():
        loading.result().worker.close()
