"""``agerestore serve``."""

import importlib.util
import secrets
import socket
import threading
import webbrowser
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agerestore.config.limits import MAX_PIXELS
from agerestore.errors import AgeRestoreError, UsageError

from ._options import IMAGE, OUTPUT, SERVER, SPEED, Compute, flag, option, with_groups
from ._terminal import echo

if TYPE_CHECKING:
    from .page.service import Service

PORT = 8765
LOOPBACK = "127.0.0.1"
SHORTEST = 8  # characters of a token
MAX_BYTES = 200_000_000  # of an upload
CONNECTIONS = 100  # at a time; what is beyond is answered with 503
ANY = ("0.0.0.0", "::")  # addresses that stand for all of this machine


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
    """Serve a page in the browser: see before and after, paint a mask, choose colors.

    Images stay on this machine, in memory, and are gone when the server ends; results are the bytes that the command
    writes. With FOLDER its images are listed, and results go to OUT, which remembers them. Needs pip install
    'agerestore[serve]'. Ctrl-C ends it.
    """
    require_extra()
    from .page.folder import Folder
    from .page.service import Options, Service

    if folder is None and out is not None:
        raise UsageError("--out is for the results of a folder; name that, too")
    if folder is not None and not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; check the name")
    if token is not None and len(token) < SHORTEST:
        raise UsageError(f"--token: shorter than {SHORTEST} characters; take a longer one, or leave it out")
    options = Options(
        compute.device, compute.precision, compute.threads, max_pixels,
        max_bytes=min(MAX_BYTES, memory * 10**6), memory=memory * 10**6,
    )  # fmt: skip
    service = Service(options, None if folder is None else Folder(folder, out))
    with listen(host, port) as listening:
        run(service, listening, host, token or secrets.token_urlsafe(16), allow_host or [], open_page)


def require_extra() -> None:
    """Check that Starlette and uvicorn are installed.

    Raises:
        UsageError: They are not.
    """
    missing = [name for name in ("starlette", "uvicorn") if importlib.util.find_spec(name) is None]
    if missing:
        what = f"needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed"
        raise UsageError(f"serve {what}; pip install 'agerestore[serve]'")


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        UsageError: The address or port cannot be had.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except OSError as error:
        what = f"cannot be listened on ({error.strerror}); choose another --port, or 0 for any, or another --host"
        raise UsageError(f"{host} port {port}: {what}") from None


def run(
    service: "Service", listening: socket.socket, host: str, token: str, names: Sequence[str], open_page: bool
) -> None:
    """Serve until Ctrl-C; models are loaded meanwhile.

    Raises:
        AgeRestoreError: Models cannot be loaded, or the folder holds no image.
    """
    import uvicorn

    from .page.app import make_app
    from .page.guard import Guard, Hosts

    port = listening.getsockname()[1]
    called = {name.lower() for name in (*names, *([] if host in ANY else [f"[{host}]" if ":" in host else host]))}
    config = uvicorn.Config(
        Guard(make_app(service), token, Hosts(port, called)),
        log_level="warning", access_log=False, ws="none", lifespan="off", server_header=False, proxy_headers=False,
        limit_concurrency=CONNECTIONS, timeout_keep_alive=5, timeout_graceful_shutdown=2,
    )  # fmt: skip
    server = uvicorn.Server(config)
    failures: list[AgeRestoreError] = []

    def load() -> None:
        try:
            service.load()
        except AgeRestoreError as error:
            failures.append(error)
            server.should_exit = True

    address = f"http://{names[0] if names and host in ANY else LOOPBACK if host in ANY else host}:{port}/#{token}"
    echo(f"agerestore serves {address}  (Ctrl-C ends it)")
    threading.Thread(target=load, name="loading", daemon=True).start()
    if open_page:
        threading.Thread(target=webbrowser.open, args=[address], daemon=True).start()
    try:
        with suppress(KeyboardInterrupt):  # which is how people end it
            server.run([listening])
    finally:
        service.worker.close()
    if failures:
        raise failures[0]
