"""The routes of the HTTP API (docs/serve.md)."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from agerestore.errors import AgeRestoreError

from . import archive
from .body import read_body, read_json
from .errors import sentence
from .store import Held, safe_name
from .worker import ENDED, QueueFullError, Task

STATIC = Path(__file__).parent / "static"
RETRY = {"Retry-After": "5"}  # seconds
AT_ONCE = 2  # uploads that are read at the same time; others wait unread
SIDES = (16, 4096)  # pixels a side of previews
MOST_CROP = 4096**2  # pixels of a crop
EVERY = 2.0  # seconds between events without news


def make_app(service: Any) -> Starlette:
    """The application; `Guard` comes before it.

    Args:
        service: A `Service`.
    """
    api = Api(service)
    one, task = "/api/pictures/{id}", "/api/jobs/{id}"
    routes = [
        Route("/", api.page),
        Mount("/static", StaticFiles(directory=STATIC)),
        Route("/api/state", api.state),
        Route("/api/pictures", api.list, methods=["GET"]),
        Route("/api/pictures", api.upload, methods=["POST"]),
        Route(one, api.show, methods=["GET"]),
        Route(one, api.remove, methods=["DELETE"]),
        Route(f"{one}/preview", api.preview),
        Route(f"{one}/crop", api.crop),
        Route(f"{one}/file", api.file),
        Route(f"{one}/mask.png", api.mask, methods=["GET"]),
        Route(f"{one}/mask.png", api.set_mask, methods=["PUT"]),
        Route(f"{one}/mask.png", api.remove_mask, methods=["DELETE"]),
        Route(f"{one}/find", api.find, methods=["POST"]),
        Route(f"{one}/restore", api.restore, methods=["POST"]),
        Route(f"{one}/colorize", api.colorize, methods=["POST"]),
        Route(task, api.job, methods=["GET"]),
        Route(task, api.cancel, methods=["DELETE"]),
        Route(f"{task}/events", api.events),
        Route("/api/results.zip", api.results),
        Route("/api/folder/restore", api.restore_folder, methods=["POST"]),
    ]
    handlers: dict[Any, Callable[[Request, Any], Awaitable[Response]]] = {
        HTTPException: _refuse,
        AgeRestoreError: _explain,
        OSError: _explain,
        QueueFullError: _full,
        Exception: _explain,
    }
    return Starlette(routes=routes, exception_handlers=handlers)


class Api:
    """The handlers of the routes."""

    def __init__(self, service: Any) -> None:
        """Answer for a `Service`."""
        self._service = service
        self._reading = asyncio.Semaphore(AT_ONCE)

    async def page(self, request: Request) -> Response:
        """The page itself."""
        return FileResponse(STATIC / "index.html")

    async def state(self, request: Request) -> Response:
        """What the server is and can."""
        return JSONResponse(await run_in_threadpool(self._service.state))

    # ------------------------------------------------------------------------------------------ files

    async def list(self, request: Request) -> Response:
        """All files."""
        await self._loaded()
        return JSONResponse([_short(held) for held in self._service.store.all()])

    async def upload(self, request: Request) -> Response:
        """Hold a file, and inspect it."""
        name = safe_name(unquote(request.headers.get("x-file-name", "")))
        async with self._reading:
            data = await read_body(request, self._service.options.max_bytes)
            await self._loaded()
            held = await run_in_threadpool(self._service.upload, name, data)
        return await self._shown(held, 201)

    async def show(self, request: Request) -> Response:
        """All that is known of a file."""
        return await self._shown(await self._opened(request))

    async def remove(self, request: Request) -> Response:
        """Drop an upload, or what is held of a file of the folder."""
        self._service.remove(self._held(request))
        return Response(status_code=204)

    async def preview(self, request: Request) -> Response:
        """A reduced image."""
        side = min(max(_whole(request, "side", 2048), SIDES[0]), SIDES[1])
        photo = await self._photo(request)
        from .views import preview

        data, media_type = await run_in_threadpool(preview, photo, side)
        return Response(data, media_type=media_type)

    async def crop(self, request: Request) -> Response:
        """A part of an image at its own size."""
        x, y, width, height = (_whole(request, name, 0) for name in ("x", "y", "width", "height"))
        photo = await self._photo(request)
        rows, columns = photo.pixels.shape[:2]
        if not (0 <= x < columns and 0 <= y < rows and width > 0 and height > 0) or width * height > MOST_CROP:
            raise HTTPException(400, f"no part of an image of {columns} x {rows} pixels, or too large a one")
        from .views import crop

        return Response(await run_in_threadpool(crop, photo, x, y, width, height), media_type="image/png")

    async def file(self, request: Request) -> Response:
        """A file that was made, as the command writes it."""
        held, what = await self._opened(request), request.query_params.get("what", "after")
        output = self._service.output(held, what)
        if output is None:
            raise HTTPException(404, f"there is no {what!r} of it")
        return _attachment(await run_in_threadpool(output.read), output.name)

    # ------------------------------------------------------------------------------------------ masks

    async def mask(self, request: Request) -> Response:
        """The mask, white where pixels are missing."""
        held = await self._opened(request)
        if held.mask is None:
            raise HTTPException(404, "it has no mask")
        return Response(held.mask.png, media_type="image/png")

    async def set_mask(self, request: Request) -> Response:
        """Take a mask in the place of the one there is."""
        held = await self._opened(request)
        async with self._reading:
            data = await read_body(request, self._service.options.max_bytes)
        return JSONResponse({"share": await run_in_threadpool(self._service.set_mask, held, data)})

    async def remove_mask(self, request: Request) -> Response:
        """Forget the mask."""
        (await self._opened(request)).mask = None
        return Response(status_code=204)

    async def find(self, request: Request) -> Response:
        """Find defects."""
        held, body = await self._opened(request), await read_json(request)
        return await self._submitted(self._service.find, held, body)

    # ------------------------------------------------------------------------------------------ work

    async def restore(self, request: Request) -> Response:
        """Restore a file."""
        held, body = await self._opened(request), await read_json(request)
        return await self._submitted(self._service.restore_or_colorize, held, "restore", body)

    async def colorize(self, request: Request) -> Response:
        """Colorize a file."""
        held, body = await self._opened(request), await read_json(request)
        return await self._submitted(self._service.restore_or_colorize, held, "colorize", body)

    async def restore_folder(self, request: Request) -> Response:
        """Restore all of the folder."""
        body = await read_json(request)
        await self._loaded()
        return await self._submitted(self._service.restore_folder, body)

    async def job(self, request: Request) -> Response:
        """How far a task is."""
        return JSONResponse(self._as_json(self._task(request)))

    async def cancel(self, request: Request) -> Response:
        """Cancel a task."""
        self._service.worker.cancel(self._task(request))
        return Response(status_code=204)

    async def events(self, request: Request) -> Response:
        """How far a task is, as often as that changes, until it ends."""
        return StreamingResponse(self._news(self._task(request)), media_type="text/event-stream")

    async def results(self, request: Request) -> Response:
        """All results, or those of some files, as a ZIP."""
        await self._loaded()
        wanted = request.query_params.get("ids")
        held = [each for each in self._service.store.all() if wanted is None or each.id in wanted.split(",")]
        found = [output for each in held for output in each.results.values()]
        headers = {"Content-Disposition": 'attachment; filename="agerestore.zip"'}
        return StreamingResponse(archive.stream(found), media_type="application/zip", headers=headers)

    # ------------------------------------------------------------------------------------------ parts of these

    async def _loaded(self) -> None:
        """Wait for the models."""
        if not self._service.is_ready:
            await run_in_threadpool(self._service.wait)

    def _held(self, request: Request) -> Held:
        id = request.path_params["id"]
        held: Held | None = self._service.store.get(id)
        if held is None:
            if self._service.store.was_dropped(id):
                raise HTTPException(410, "dropped, as later files took its place; open it again")
            raise HTTPException(404, "no such file")
        return held

    async def _opened(self, request: Request) -> Held:
        await self._loaded()
        held = self._held(request)
        await run_in_threadpool(self._service.open, held)
        return held

    async def _photo(self, request: Request) -> Any:
        held, what = await self._opened(request), request.query_params.get("what", "before")
        if what != "before" and what not in held.results:
            raise HTTPException(404, f"there is no {what!r} of it")
        return await run_in_threadpool(self._service.photo, held, what)

    async def _shown(self, held: Held, status: int = 200) -> Response:
        return JSONResponse(await run_in_threadpool(self._service.describe, held), status)

    def _task(self, request: Request) -> Task:
        task: Task | None = self._service.worker.get(request.path_params["id"])
        if task is None:
            raise HTTPException(404, "no such job")
        return task

    async def _submitted(self, make: Callable[..., Task], *arguments: Any) -> Response:
        task = await run_in_threadpool(make, *arguments)
        return JSONResponse({"job": task.id}, 202)

    def _as_json(self, task: Task) -> dict[str, Any]:
        left = task.seconds_left
        return {
            "id": task.id,
            "picture": task.file_id,
            "verb": task.verb,
            "state": task.state,
            "place": self._service.worker.place(task),
            "done": task.done,
            "total": task.total,
            "seconds": round(task.seconds, 2),
            "seconds_left": left and round(left, 1),
            "remarks": task.remarks,
            "error": task.error,
            "command": task.command,
            "results": task.results,
        }

    async def _news(self, task: Task) -> AsyncIterator[str]:
        loop, news = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # the server has ended
                loop.call_soon_threadsafe(news.set)

        with task.watched(wake):
            while True:
                news.clear()
                state = self._as_json(task)
                yield f"data: {json.dumps(state)}\n\n"
                if state["state"] in ENDED:
                    return
                with suppress(TimeoutError):
                    async with asyncio.timeout(EVERY):
                        await news.wait()


def _short(held: Held) -> dict[str, Any]:
    from .facts import as_json

    described = as_json(held, None)
    return {name: described[name] for name in ("id", "name", "width", "height", "state", "in_folder")}


def _whole(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise HTTPException(400, f"{name} must be a whole number")
    return int(text)


def _attachment(data: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(Path(name).name, safe='')}"}
    return Response(data, media_type="application/octet-stream", headers=headers)


async def _refuse(request: Request, error: HTTPException) -> Response:
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


async def _explain(request: Request, error: Exception) -> Response:
    status, line = sentence(error)
    return JSONResponse({"error": line}, status, RETRY if status == 503 else None)


async def _full(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "too many jobs are waiting; try again when one is done"}, 503, RETRY)
