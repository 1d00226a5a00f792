"""A training run of a detector."""

import torch
from tiny_runs import equal, fit, weights

from agerestore.config.training import train_config
from agerestore.models import weights as checkpoint

TINY = (
    "network.widths=[2,3]", "network.blocks=[0,1]", "detect.steps=8", "detect.batch_size=2", "crop_size=32",
    "validation=0.2", "log_every=2", "sheet_every=4", "state_minutes=0", "precision=fp32",
    "degradation=cracks:coverage=0.05,specks",
)  # fmt: skip


def test_a_run_can_be_killed_and_continued_bit_for_bit(photographs, tmp_path):
    config = train_config("defects", TINY)
    whole = fit(config, photographs, tmp_path / "whole")
    calls = []

    def stop():
        calls.append(None)
        return len(calls) == 3

    for attempt in range(2):
        try:
            path = fit(config, photographs, tmp_path / "killed", resume=attempt > 0, stop=stop)
        except KeyboardInterrupt:
            continue
    assert equal(weights(whole), weights(path))
    header = checkpoint.read_header(whole)
    assert (header["kind"], header["images_seen"]) == ("detector", 8 * 2)
    assert header["validation"].keys() == {"precision", "recall"}
    assert len(list((tmp_path / "whole" / "sheets").iterdir())) == 2
    model = checkpoint.load_weights(whole)
    assert model.task == "detection"
    assert model(torch.rand(1, 3, 32, 32)).shape == (1, 5, 32, 32)


def test_a_run_learns_to_find_white_cracks(photographs, tmp_path):
    settings = (*TINY, "network.widths=[8,12]", "detect.steps=150", "detect.lr=1e-2", "detect.batch_size=4",
                "degradation=cracks:coverage=0.05:opacity=1:dark=1:relief=0")  # fmt: skip
    path = fit(train_config("defects", settings), photographs, tmp_path / "run")
    log = [line for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines() if '"detector/defect"' in line]
    import json

    losses = [json.loads(line)["detector/defect"] for line in log]
    assert losses[-1] < 0.7 * losses[0], losses
    assert path.exists()
