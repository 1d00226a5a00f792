"""The errors this package raises on purpose: classes only.

Every message is one line that names the file or setting at fault and says what to do next. A keyword of a public
function stands in backticks, as in "pass `overwrite=True`", and a function as `colorize()`: so a program that calls the
library can put its own words in their place, as the command does with its options.
"""


class AgeRestoreError(Exception):
    """Base of all errors this package raises on purpose."""


class UsageError(AgeRestoreError):
    """An option, preset, model name or combination of options that cannot work."""


class NothingReadableError(AgeRestoreError):
    """No readable image where at least one was expected."""


class WeightsError(AgeRestoreError):
    """Weights that are missing, damaged, tampered with or of a newer format."""


class ImageFileError(AgeRestoreError):
    """An image file that cannot be read or written."""


class UnreadableError(ImageFileError):
    """A file that is no image, or one that is damaged, too large or of a kind that is not supported."""


class OutputExistsError(ImageFileError):
    """A file is where a result should go, and it was not asked to replace it."""


class WorkerError(AgeRestoreError):
    """A process or machine that was to process a file, and ended."""


class OutOfDomainError(AgeRestoreError):
    """An image unlike anything the model was trained on."""


class RestoreWarning(UserWarning):
    """Something people should know about an image that was restored or colorized."""


class OutOfDomainWarning(RestoreWarning):
    """An image was restored by a model that was not trained on anything like it."""
