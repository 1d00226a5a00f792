"""Restore and color pictures with Adversarial Generator-Encoder networks.

>>> import agerestore, numpy as np
>>> model = agerestore.load("mnist")
>>> one = np.zeros((28, 28), np.uint8)
>>> one[4:24, 13:16] = 255
>>> restored = agerestore.restore(model, one)
>>> restored.dtype, restored.shape
(dtype('uint8'), (28, 28))
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from agerestore._version import __version__

if TYPE_CHECKING:
    from agerestore.errors import AgeRestoreError
    from agerestore.inference.colorizer import colorize
    from agerestore.inference.restoration import domain_score, restore
    from agerestore.models.base import Model
    from agerestore.models.zoo import load

__all__ = ["AgeRestoreError", "Model", "__version__", "colorize", "domain_score", "load", "restore"]

# Looked up at first use, so that importing the package, and --help, cost nothing.
_HOME = {
    "AgeRestoreError": "errors",
    "Model": "models.base",
    "colorize": "inference.colorizer",
    "domain_score": "inference.restoration",
    "load": "models.zoo",
    "restore": "inference.restoration",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
