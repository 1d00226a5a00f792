"""A training run of the networks for photographs."""

import pytest
import torch
from tiny_runs import TINY_PHOTO as TINY
from tiny_runs import drawn, fit

from agerestore.config.training import train_config
from agerestore.errors import UsageError
from agerestore.models import weights as checkpoint


def weights(path):
    return checkpoint.load_weights(path).networks.state_dict()


def test_a_run_can_be_killed_and_continued_bit_for_bit_and_be_started_from(photographs, tmp_path):
    config = train_config("photo", TINY)
    whole = fit(config, photographs, tmp_path / "whole")
    calls = []

    def stop():
        calls.append(None)
        return len(calls) in (3, 6)

    for attempt in range(3):
        try:
            path = fit(config, photographs, tmp_path / "killed", resume=attempt > 0, stop=stop)
        except KeyboardInterrupt:
            continue
    assert all(torch.equal(a, b) for a, b in zip(weights(whole).values(), weights(path).values(), strict=True))
    header = checkpoint.read_header(whole)
    assert header["kind"] == "photo"
    assert header["images_seen"] == 4 * 2 + 4 * 4
    assert {"psnr_25", "uncertainty_holes_pixels", "samples_spread"} <= set(header["validation"])

    still = train_config("photo", (*TINY, "estimate.steps=1", "estimate.lr=1e-9", "steps=0"))
    alone = fit(still, photographs, tmp_path / "alone", init=checkpoint.load_weights(whole))
    header = checkpoint.read_header(alone)
    assert header["images_seen"] == 4 * 2 + 4 * 4 + 2
    assert header["network"]["latent_dim"] == 0  # no game was played on this estimator
    kept = {name: value for name, value in weights(whole).items() if name.startswith("estimator.")}
    torch.testing.assert_close(weights(alone), kept, rtol=1e-2, atol=1e-3)

    game = train_config("photo", (*TINY, "estimate.steps=0"))
    played = weights(fit(game, photographs, tmp_path / "game", init=checkpoint.load_weights(alone)))
    torch.testing.assert_close({name: played[name] for name in kept}, weights(alone), rtol=0, atol=0)
    assert len(played) > len(kept)

    deeper = train_config("photo", (*TINY, "network.blocks=[2,3,6]", "steps=0", "estimate.steps=1", "estimate.lr=1e-9"))
    grown = fit(deeper, photographs, tmp_path / "deeper", init=checkpoint.load_weights(whole))
    image = drawn(1, 3, 32, 32)
    answers = [checkpoint.load_weights(path).networks.estimate(image)[0] for path in (alone, grown)]
    torch.testing.assert_close(*answers, rtol=1e-2, atol=1e-3)  # what was added is the identity at first
    with pytest.raises(UsageError, match="other networks"):
        fit(train_config("photo", (*TINY, "network.blocks=[1,2,3]")), photographs, tmp_path / "shallower",
                    init=checkpoint.load_weights(whole))  # fmt: skip
    with pytest.raises(UsageError, match="other networks"):
        fit(train_config("photo", (*TINY, "network.widths=[2,2,4]")), photographs, tmp_path / "other",
                    init=checkpoint.load_weights(whole))  # fmt: skip
