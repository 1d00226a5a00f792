"""Values that the shell completes; PyTorch is not loaded for them."""

import json


def devices() -> list[str]:
    """Names for ``--device``."""
    return ["auto", "cpu", "cuda", "mps"]


def precisions() -> list[str]:
    """Names for ``--precision``."""
    return ["auto", "fp32", "bf16"]


def spacings() -> list[str]:
    """Names for ``--spacing``."""
    return ["image", "code"]


def models(incomplete: str) -> list[str]:
    """Shipped models."""
    from importlib import resources  # costs more than all else here

    index = json.loads((resources.files("agerestore_pretrained") / "index.json").read_text(encoding="utf-8"))
    return [name for name in sorted(index) if name.startswith(incomplete)]


def models_or_auto(incomplete: str) -> list[str]:
    """Shipped models, and `auto`."""
    return [name for name in ["auto", *models("")] if name.startswith(incomplete)]


def presets(incomplete: str) -> list[str]:
    """Presets of ``train``."""
    from agerestore.config.presets import presets as listed

    return [name for name in listed() if name.startswith(incomplete)]


def degradations(incomplete: str) -> list[str]:
    """Kinds of degradation and names of chains; after a comma or bar the next one."""
    begun, separator, word = _last_word(incomplete)
    return [f"{begun}{separator}{name}" for name in DEGRADATIONS if name.startswith(word)]


def _last_word(text: str) -> tuple[str, str, str]:
    separator = max(",|", key=text.rfind)
    return text.rpartition(separator)


# Written out because the registry loads PyTorch; a test holds it against the registry.
DEGRADATIONS = (
    "blur", "border", "cracks", "craquelure", "creases", "dust", "fading", "film-grain", "grain", "hole", "holes",
    "jpeg", "missing", "motion", "mottling", "noise", "poisson", "resample", "saltpepper", "scratches", "scuffs",
    "specks", "stains", "strokes", "tears", "toning", "vignetting", "webp", "old-photo", "old-print",
)  # fmt: skip
