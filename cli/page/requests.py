"""What clients send and are answered: bodies that are counted while they come, names, numbers, errors in one line."""

import asyncio
import json
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from agerestore.errors import AgeRestoreError, OutputExistsError, UnreadableError
from agerestore.files import printable

from .._wording import in_options
from .worker import QueueFullError

PAUSE = 30  # seconds that a client may send nothing
MOST_JSON = 2**18  # bytes of settings
LONGEST_NAME = 120  # characters
RETRY = {"Retry-After": "5"}  # seconds


async def read_body(request: Request, most: int = MOST_JSON) -> bytes:
    """The body of a request, of at most so many bytes, whatever its header says."""
    parts: list[bytes] = []
    length, stream = 0, aiter(request.stream())
    stated = request.headers.get("content-length", "")
    while not (stated.isdecimal() and int(stated) > most) and length <= most:
        try:
            async with asyncio.timeout(PAUSE):
                part = await anext(stream, None)
        except TimeoutError:
            raise HTTPException(408, "nothing came for too long; send it again") from None
        if part is None:
            return b"".join(parts)
        length += len(part)
        parts.append(part)
    raise HTTPException(413, f"more than {most / 1e6:g} MB; send a smaller file")


async def read_json(request: Request) -> Any:
    """The settings in a request; of an empty body none."""
    try:
        return json.loads(await read_body(request) or b"{}")
    except (ValueError, RecursionError):
        raise HTTPException(400, "the body is no JSON") from None


def file_name(request: Request) -> str:
    """The last part of the file name that a client sent, in one printable line."""
    sent = unquote(request.headers.get("x-file-name", "")).replace("\\", "/")
    stem, dot, ending = printable(PurePosixPath(sent).name).strip().lstrip(".").rpartition(".")
    return f"{stem[:LONGEST_NAME]}{dot}{ending[:LONGEST_NAME]}"


def whole(request: Request, name: str, default: int = 0) -> int:
    """A number in the address of a request."""
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise HTTPException(400, f"{name} must be a whole number")
    return int(text)


def explained(error: Exception) -> tuple[int, str]:
    """The status of an error, and the line that the command would print."""
    from agerestore.device import is_out_of_memory

    if is_out_of_memory(error):
        return 503, "not enough memory; close other programs, or work on smaller images"
    if isinstance(error, AgeRestoreError):
        known = {UnreadableError: 415, OutputExistsError: 409, QueueFullError: 503}
        return next((known[kind] for kind in known if isinstance(error, kind)), 422), in_options(str(error))
    if isinstance(error, OSError):
        return 409, f"{error.filename or 'a file'}: {error.strerror}"
    return 500, f"a defect of agerestore: {type(error).__name__}: {error}"


async def answer_error(request: Request, error: Exception) -> Response:
    """The response to a request that failed."""
    if isinstance(error, HTTPException):
        return JSONResponse({"error": error.detail}, error.status_code, error.headers)
    status, line = explained(error)
    return JSONResponse({"error": line}, status, RETRY if status == 503 else None)
