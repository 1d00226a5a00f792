"""What would help an image: the one rule, of `agerestore inspect` and of the page."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from agerestore.analysis.report import Report


class Proposal(NamedTuple):
    """Options with which `restore` removes what was found.

    Attributes:
        model: For -m.
        tones: For --tones; 0 for not.
    """

    model: str
    tones: float = 0.0


def measurable(found: "Report") -> bool:
    """Whether no finding means that nothing is wrong."""
    return found.document is not None or found.noise_sigma is not None


def proposal(found: "Report") -> Proposal | None:
    """What to propose for an image; None without a model for it or without a defect it removes."""
    helped = [each for each in found.findings if not each.startswith("blurred")]
    if found.model is None or (measurable(found) and not helped):
        return None
    alone = found.needs_tones and len(helped) == 1  # auto then leaves all but the tones
    model = "auto" if alone or found.defect_share else found.model  # which finds defects only where it is asked to
    return Proposal(model, 1.0 if found.needs_tones else 0.0)
