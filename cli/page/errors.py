"""What a client is answered where something goes wrong: a status, and the one line that the command would print."""

from agerestore.errors import AgeRestoreError, ImageFileError, UnreadableError

from .._wording import in_options


def sentence(error: Exception) -> tuple[int, str]:
    """The status and the line of an error."""
    from agerestore.device import is_out_of_memory

    if is_out_of_memory(error):
        return 503, "not enough memory; close other programs, or work on smaller images"
    if isinstance(error, AgeRestoreError):
        status = 415 if isinstance(error, UnreadableError) else 409 if _is_in_the_way(error) else 422
        return status, in_options(str(error))
    if isinstance(error, OSError) and error.errno is not None:
        return 409, f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)
    return 500, f"a defect of agerestore: {type(error).__name__}: {error}"


def _is_in_the_way(error: AgeRestoreError) -> bool:
    """Whether it is about a file that cannot be written; or about a folder that another run writes to."""
    return isinstance(error, ImageFileError) or "another run" in str(error)
