"""The truth tables of what is skipped, processed and refused: every state, and what must hold in all of them."""

from itertools import product

import pytest

from agerestore.batch.policy import Action, InPlaceState, State, decide

REFUSALS = set(Action) - {Action.SKIP, Action.PROCESS}


def states() -> list[State]:
    """All that can be: nothing is ours that is not there, and nothing complete of which the result is not ours."""
    every = (State(*values) for values in product((False, True), repeat=5))
    return [each for each in every if each.exists >= each.ours >= each.complete]


def in_place_states() -> list[InPlaceState]:
    every = (InPlaceState(*values) for values in product((False, True), repeat=7))
    return [each for each in every if each.ours >= each.complete and each.remembered >= each.ours]


@pytest.mark.parametrize(
    ("state", "action"),
    [
        (State(), Action.PROCESS),
        (State(exists=True), Action.REFUSE_EXISTS),
        (State(exists=True, overwrite=True), Action.PROCESS),
        (State(exists=True, ours=True, complete=True, same=True), Action.SKIP),
        (State(exists=True, ours=True, complete=True, same=True, overwrite=True), Action.SKIP),
        (State(exists=True, ours=True, complete=True), Action.REFUSE_CHANGED),
        (State(exists=True, ours=True, complete=True, overwrite=True), Action.PROCESS),
        (State(exists=True, ours=True, same=True), Action.PROCESS),  # a sidecar file is gone
        (State(exists=True, ours=True), Action.REFUSE_EXISTS),  # and the settings are others
        (State(exists=True, same=True), Action.REFUSE_EXISTS),  # somebody edited the result
        (State(same=True), Action.PROCESS),  # the result is gone
        (InPlaceState(), Action.PROCESS),
        (InPlaceState(ours=True, same=True), Action.SKIP),  # the backup was removed
        (InPlaceState(ours=True), Action.PROCESS),
        (InPlaceState(backup=True, ours=True, complete=True, same=True), Action.SKIP),
        (InPlaceState(backup=True, ours=True, same=True), Action.PROCESS),
        (InPlaceState(backup=True, original=True), Action.PROCESS),  # killed between backup and result
        (InPlaceState(backup=True, ours=True), Action.REFUSE_RESTORED_OTHERWISE),
        (InPlaceState(backup=True, ours=True, overwrite=True), Action.PROCESS),
        (InPlaceState(backup=True), Action.REFUSE_NOT_FROM_BACKUP),
        (InPlaceState(backup=True, overwrite=True), Action.REFUSE_NOT_FROM_BACKUP),
        (InPlaceState(backup=True, remembered=False), Action.REFUSE_RESTORED),
        (InPlaceState(backup=True, overwrite=True, remembered=False), Action.PROCESS),
    ],
)
def test_what_becomes_of_a_job(state: State | InPlaceState, action: Action) -> None:
    assert decide(state) is action


def test_unasked_only_the_same_result_of_ones_own_is_replaced() -> None:
    for state in states():
        if decide(state) is Action.PROCESS and not state.overwrite:
            assert not state.exists or (state.ours and state.same), state


def test_asked_to_overwrite_nothing_is_refused() -> None:
    assert {decide(state) for state in states() if state.overwrite} == {Action.SKIP, Action.PROCESS}


def test_only_what_is_there_whole_and_the_same_is_skipped() -> None:
    for state in states():
        assert (decide(state) is Action.SKIP) == (state.same and state.complete), state


def test_in_place_a_file_that_is_neither_original_nor_result_is_never_lost() -> None:
    """With a backup of something else next to it, it would be replaced by what was made of that."""
    for state in in_place_states():
        if state.backup and state.remembered and not state.ours and not state.original:
            assert decide(state) is Action.REFUSE_NOT_FROM_BACKUP, state


def test_in_place_other_settings_are_taken_only_when_asked() -> None:
    for state in in_place_states():
        if state.backup and not state.original and not state.same and not state.overwrite:
            assert decide(state) in REFUSALS, state
