"""What becomes of a job before its image is worked on: skipped, processed or refused, by two truth tables."""

from dataclasses import dataclass
from enum import Enum


class Action(Enum):
    """What becomes of a job before its image is worked on; refusals bear what the error says."""

    SKIP = "done before"
    PROCESS = "to do"
    REFUSE_EXISTS = "exists; pass `overwrite=True` or choose another output"
    REFUSE_CHANGED = "was made of other contents or with other settings; pass `overwrite=True` or choose another output"
    REFUSE_RESTORED = "has been restored before, as {backup} is there; pass `overwrite=True` to begin again from it"
    REFUSE_RESTORED_OTHERWISE = "was made with other settings; pass `overwrite=True` to begin again from {backup}"
    REFUSE_NOT_FROM_BACKUP = "was not made from {backup}, which is in the way; move one of them elsewhere"


@dataclass(frozen=True)
class State:
    """What is known of a job's target before the image is worked on.

    Attributes:
        exists: There is a file of its name.
        ours: It is to the byte what the manifest says an earlier run wrote.
        complete: So are all sidecar files that the manifest names for it.
        same: The manifest says it was made of the same inputs with the same settings.
        overwrite: Files may be replaced.
    """

    exists: bool = False
    ours: bool = False
    complete: bool = False
    same: bool = False
    overwrite: bool = False


@dataclass(frozen=True)
class InPlaceState:
    """What is known of a job whose result replaces its source.

    Attributes:
        backup: The original has been kept already.
        original: The file is still that original.
        ours, complete, same, overwrite: As in `State`; `same` compares with the backup if there is one, and else
            the settings only.
        remembered: There is a manifest, as there is for a folder.
    """

    backup: bool = False
    original: bool = False
    ours: bool = False
    complete: bool = False
    same: bool = False
    overwrite: bool = False
    remembered: bool = True


def decide(state: State | InPlaceState) -> Action:
    """Decide what becomes of a job."""
    return _decide_in_place(state) if isinstance(state, InPlaceState) else _decide(state)


def _decide(state: State) -> Action:
    """The truth table where the source stays; the first row that fits holds."""
    match state:
        case State(same=True, complete=True):
            return Action.SKIP
        case State(exists=False) | State(overwrite=True) | State(same=True, ours=True):
            return Action.PROCESS
        case State(complete=True):
            return Action.REFUSE_CHANGED
    return Action.REFUSE_EXISTS


def _decide_in_place(state: InPlaceState) -> Action:
    """The truth table where the result replaces the source; the first row that fits holds."""
    match state:
        case InPlaceState(backup=False, ours=True, same=True):  # somebody was content and removed the backup
            return Action.SKIP
        case InPlaceState(backup=True, ours=True, same=True, complete=True):
            return Action.SKIP
        case InPlaceState(backup=False) | InPlaceState(ours=True, same=True) | InPlaceState(original=True):
            return Action.PROCESS
        case InPlaceState(overwrite=True, ours=True) | InPlaceState(overwrite=True, remembered=False):
            return Action.PROCESS
        case InPlaceState(remembered=False):
            return Action.REFUSE_RESTORED
        case InPlaceState(ours=True):
            return Action.REFUSE_RESTORED_OTHERWISE
    return Action.REFUSE_NOT_FROM_BACKUP
