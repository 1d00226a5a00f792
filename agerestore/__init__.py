"""Restore and color images with Adversarial Generator-Encoder networks.

>>> import agerestore, numpy as np
>>> one = np.zeros((28, 28), np.uint8)
>>> one[4:24, 13:16] = 255
>>> restored = agerestore.restore(one, model="mnist")
>>> restored.dtype, restored.shape
(dtype('uint8'), (28, 28))
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from agerestore._version import __version__

if TYPE_CHECKING:
    from agerestore.analysis.report import Report
    from agerestore.api.batches import restore_files
    from agerestore.api.colorization import colorize
    from agerestore.api.generation import interpolate, sample
    from agerestore.api.inspection import degrade, inspect
    from agerestore.api.restoration import restore
    from agerestore.errors import AgeRestoreError
    from agerestore.evaluation.evaluator import evaluate
    from agerestore.inference.result import Result
    from agerestore.models.base import Model
    from agerestore.models.zoo import load
    from agerestore.training.loop import train

# Public name -> the module it is in, imported at first use: importing the package, and --help, cost nothing.
_MODULES = {
    "AgeRestoreError": "errors",
    "Model": "models.base",
    "Report": "analysis.report",
    "Result": "inference.result",
    "colorize": "api.colorization",
    "degrade": "api.inspection",
    "evaluate": "evaluation.evaluator",
    "inspect": "api.inspection",
    "interpolate": "api.generation",
    "load": "models.zoo",
    "restore": "api.restoration",
    "restore_files": "api.batches",
    "sample": "api.generation",
    "train": "training.loop",
}

__all__ = [
    "AgeRestoreError",
    "Model",
    "Report",
    "Result",
    "__version__",
    "colorize",
    "degrade",
    "evaluate",
    "inspect",
    "interpolate",
    "load",
    "restore",
    "restore_files",
    "sample",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
