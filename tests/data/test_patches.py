"""Patches of photographs: random crops, rotated, mirrored, upscaled, gray, drawn ahead by workers."""

import numpy as np
import pytest
import torch
from tiny_runs import TINY_PHOTO as TINY

from agerestore import degradations
from agerestore.config.training import train_config
from agerestore.data import batches, patches
from agerestore.data.datasets import MAX_UPSCALE, PhotoSet
from agerestore.data.patches import DefectPatchDataset
from agerestore.data.sources import load_photographs
from agerestore.errors import NothingReadableError
from agerestore.images.formats.metadata import Metadata
from agerestore.images.io import write
from agerestore.images.photo import Photo
from agerestore.training import stages


def test_pieces_are_parts_of_the_photographs_turned_and_mirrored():
    code = torch.arange(20 * 30).view(1, 20, 30).expand(3, -1, -1)
    patches = PhotoSet((code,)).crops(40, 8, torch.Generator().manual_seed(0))
    assert patches.shape == (40, 3, 8, 8)
    seen = set()
    for piece in patches[:, 0]:
        steps = (int(piece[1, 0] - piece[0, 0]), int(piece[0, 1] - piece[0, 0]))
        seen.add(steps)
        assert sorted(map(abs, steps)) == [1, 30]  # neighbors are neighbors
        assert len(piece.unique()) == 64
    assert len(seen) == 8  # all symmetries of the square


def test_pieces_that_are_enlarged_are_as_smooth_as_that():
    row, column = torch.meshgrid(torch.arange(60), torch.arange(80), indexing="ij")
    slope = (2 * row + column).to(torch.uint8).expand(3, -1, -1)  # of 2 and 1 levels a pixel
    photographs = PhotoSet((slope,))
    patches = photographs.crops(200, 30, torch.Generator().manual_seed(0), upscaled=0.5)
    steps = sum(patches[:, 0, 5:25, 5:25].float().diff(dim=axis).mean((1, 2)).abs() for axis in (1, 2))
    as_it_is = steps.isclose(torch.tensor(3.0))  # the sum of both slopes, in whatever position
    assert 0.4 < as_it_is.float().mean() < 0.6
    assert (steps[~as_it_is] > 0.95 * 3 / MAX_UPSCALE).all()
    assert 1.7 < steps[~as_it_is].median() < 2.1  # 3 / sqrt(2.5) = 1.90: as often more as less
    with_none = photographs.crops(9, 30, torch.Generator().manual_seed(0), upscaled=0)
    assert torch.equal(with_none, photographs.crops(9, 30, torch.Generator().manual_seed(0)))


def test_a_folder_of_photographs_keeps_their_sizes_and_leaves_small_ones_out(tmp_path):
    for name, size in (("a", (40, 30)), ("b", (8, 50))):
        write(tmp_path / f"{name}.png", Photo(np.full((*size, 3), 9, np.uint8), None, Metadata()), overwrite=False)
    assert [tuple(image.shape) for image in load_photographs(tmp_path, 16).images] == [(3, 40, 30)]
    with pytest.raises(NothingReadableError, match="at least 64x64"):
        load_photographs(tmp_path, 64)


def test_batches_need_no_history_and_all_players_see_the_same_pieces(photographs):
    config = train_config("photo", TINY)
    stage = stages.stages(config, 6)[1]
    one, other = (batches.batches(config, photographs, torch.device("cpu")) for _ in range(2))
    for step in range(5):
        early = one.draw(stage.batches, step, "encoder", 0)
    late, generator = other.draw(stage.batches, 4, "encoder", 0), other.draw(stage.batches, 4, "generator", 0)
    for name in ("x", "damaged", "mask"):
        assert torch.equal(getattr(early, name), getattr(late, name))
        assert torch.equal(getattr(early, name), getattr(generator, name))
    assert torch.equal(early.z, late.z)
    assert not torch.equal(early.z, generator.z)
    assert early.z.shape == (4 * 4, 4)


def test_workers_draw_the_pieces_that_the_run_would_draw_itself(photographs):
    """Also where a run goes on in the middle of a block, and where the next stage begins."""
    alone, helped = (train_config("photo", (*TINY, "estimate.steps=8", f"workers={count}")) for count in (0, 2))
    first, second = stages.stages(alone, len(photographs))
    alone, helped = (batches.batches(config, photographs, torch.device("cpu")) for config in (alone, helped))
    for stage, step in ((first, 0), (first, patches.BLOCK), (first, 1), (second, 0)):
        expected, found = (each.draw(stage.batches, step, "estimator", 0) for each in (alone, helped))
        assert all(torch.equal(found.tensors[name], value) for name, value in expected.tensors.items())


def test_gray_pieces_stay_gray_under_noise(photographs):
    config = train_config("photo", (*TINY, "gray=1", "degradation=noise:sigma=50"))
    batch = batches.batches(config, photographs, torch.device("cpu")).draw(
        stages.stages(config, 6)[0].batches, 0, "", 0
    )
    for image in (batch.x, batch.damaged):
        torch.testing.assert_close(image, image[:, :1].expand(-1, 3, -1, -1))
    assert (batch.damaged - batch.x).std().item() == pytest.approx(2 * 50 / 255, rel=0.1)


def test_patches_for_a_detector_say_where_defects_can_be_seen():
    white = "cracks:opacity=1:dark=0:coverage=0.02,scuffs:opacity=1:dark=1:coverage=0.01,specks:coverage=0.01"
    dataset = DefectPatchDataset(
        photographs=PhotoSet((torch.full((3, 80, 90), 120, dtype=torch.uint8),)), seed=(0, "detect"), count=3, size=64,
        gray=0, upscaled=0, degradation=degradations.parse(white), kinds=("cracks", "scratches"),
    )  # fmt: skip
    item, again = dataset[4], dataset[4]
    assert all(torch.equal(item[name], again[name]) for name in item)
    assert item["damaged"].shape == (3, 3, 64, 64)
    assert (item["defects"].shape, item["defects"].dtype) == ((3, 1, 64, 64), torch.uint8)
    assert set(item["defects"].unique().tolist()) == {0, 1, 2, 255}  # specks are not among its kinds
    changed = (item["damaged"] - item["x"]).abs().amax(1, keepdim=True) > 0.07  # visible: 0.04 of white, which is 2
    assert changed[(item["defects"] == 1) | (item["defects"] == 2)].all()
    assert not changed[item["defects"] == 0].any()
