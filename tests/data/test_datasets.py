import pickle

import cv2
import numpy as np
import pytest
import torch
from scipy.io import savemat

from agerestore.data import datasets, layouts, seeds, sources
from agerestore.errors import NothingReadableError, UsageError


def picture(path, value, size=(40, 30), channels=3):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imencode(path.suffix, np.full((*size, channels), value, np.uint8))[1].tofile(path) is None


def test_a_folder_is_read_recursively_and_what_cannot_be_is_named(tmp_path):
    picture(tmp_path / "a.png", 10)
    picture(tmp_path / "deep" / "er" / "b.jpg", 200)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("left alone")
    images = sources.load_images(tmp_path, 32, 3)
    assert images.images.shape == (2, 3, 32, 32)
    assert images.images.flatten(1).float().mean(1).tolist() == pytest.approx([10, 200], abs=2)
    assert [name in line for name, line in zip(("notes.txt", "broken.png"), images.skipped, strict=True)] == [True] * 2


def test_color_becomes_luminance_and_gray_three_equal_channels(tmp_path):
    path = tmp_path / "red.png"
    cv2.imwrite(str(path), np.full((32, 32, 3), (0, 0, 255), np.uint8))
    assert sources.load_images(tmp_path, 32, 1).images.unique().tolist() == [76]  # 0.299 x 255
    cv2.imwrite(str(path), np.full((32, 32), 50, np.uint8))
    assert torch.equal(sources.load_images(tmp_path, 32, 3).images, torch.full((1, 3, 32, 32), 50, dtype=torch.uint8))


def test_the_center_of_an_oblong_picture_is_taken(tmp_path):
    pixels = np.zeros((32, 96), np.uint8)
    pixels[:, 32:64] = 255
    cv2.imwrite(str(tmp_path / "wide.png"), pixels)
    assert sources.load_images(tmp_path, 32, 1).images.min() == 255


@pytest.mark.parametrize("make", [lambda p: None, lambda p: p.mkdir(), lambda p: p.write_text("file")])
def test_an_empty_or_missing_folder_is_named(tmp_path, make):
    make(tmp_path / "set")
    with pytest.raises(NothingReadableError, match=r"set: (no|holds no image)"):
        sources.load_images(tmp_path / "set", 32, 3)


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(int(n).to_bytes(4, "big") for n in array.shape)
    return header + array.astype(np.uint8).tobytes()


def test_mnist_as_torchvision_has_it(tmp_path):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part, count in (("train", 5), ("t10k", 3)):
        (raw / f"{part}-images-idx3-ubyte").write_bytes(idx(np.full((count, 28, 28), 255)))
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(idx(np.arange(count)))
    images = sources.load_images(tmp_path, 32, 1)
    assert images.labels.tolist() == [0, 1, 2, 3, 4]
    assert images.images[0, 0, 2:30, 2:30].min() == 255  # padded, not stretched
    assert images.images.sum() == 5 * 28 * 28 * 255
    assert len(sources.load_images(tmp_path, 32, 1, "test")) == 3
    assert layouts.has_splits(tmp_path)
    larger = sources.load_images(tmp_path, 40, 1).images[0, 0]  # to be cropped at random: 35 of 40 pixels are 28 of 32
    assert larger[20].sum() / 255 == pytest.approx(35, abs=0.1)


def test_cifar10_as_torchvision_has_it(tmp_path, monkeypatch):
    from torchvision.datasets import CIFAR10

    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for name, _ in CIFAR10.train_list + CIFAR10.test_list:
        (folder / name).write_bytes(pickle.dumps({"data": np.full((2, 3072), 7, np.uint8), "labels": [3, 4]}))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": ["x"] * 10}))
    monkeypatch.setattr(CIFAR10, "_check_integrity", lambda self: True)
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda *a: True)
    images = sources.load_images(tmp_path, 32, 3)
    assert (images.images.shape, images.labels[:2].tolist()) == ((10, 3, 32, 32), [3, 4])


def test_svhn_as_torchvision_has_it(tmp_path, monkeypatch):
    from torchvision.datasets import SVHN

    savemat(
        tmp_path / "train_32x32.mat", {"X": np.full((32, 32, 3, 4), 9, np.uint8), "y": np.array([[1], [10], [2], [3]])}
    )
    monkeypatch.setattr(SVHN, "_check_integrity", lambda self: True)
    images = sources.load_images(tmp_path, 32, 3)
    assert images.images.unique().tolist() == [9]
    assert images.labels.tolist() == [1, 0, 2, 3]


def test_celeba_as_torchvision_has_it_in_the_official_framing(tmp_path):
    folder = tmp_path / "celeba" / "img_align_celeba"
    rows = np.repeat(np.arange(218, dtype=np.uint8)[:, None, None], 178, 1).repeat(3, 2)
    folder.mkdir(parents=True)
    for name in ("000001.png", "000002.png"):
        cv2.imwrite(str(folder / name), rows)
    (tmp_path / "celeba" / "list_eval_partition.txt").write_text("000001.png 0\n000002.png 2\n")
    images = sources.load_images(tmp_path, 64, 3)
    assert images.images.shape == (1, 3, 64, 64)
    # Row 7 of the 78 rows that 218 were scaled to lies at row 218/78 * 7.5 - 0.5 = 20.5 of the file.
    assert images.images[0, 0, 0, 0].item() == pytest.approx(20.5, abs=1)


def test_the_validation_part_is_held_out():
    images = datasets.ImageSet(torch.arange(100, dtype=torch.uint8).reshape(100, 1, 1, 1), torch.arange(100))
    training, validation = datasets.split_validation(images, 0.1)
    assert (len(training), len(validation)) == (90, 10)
    assert sorted([*training.labels.tolist(), *validation.labels.tolist()]) == list(range(100))
    assert torch.equal(training.images.flatten().long(), training.labels)


def test_an_epoch_sees_every_image_once_and_steps_need_no_history():
    batches = [seeds.batch_indices(12, 4, step, seed=3) for step in range(6)]
    for epoch in (batches[:3], batches[3:]):
        assert sorted(torch.cat(epoch).tolist()) == list(range(12))
    assert not torch.equal(batches[0], batches[3])
    seeds.epoch_order.cache_clear()
    assert torch.equal(seeds.batch_indices(12, 4, 5, seed=3), batches[5])


def test_derived_seeds_differ_and_fit_a_generator():
    found = {seeds.derive_seed(seed, stage, step) for seed in range(3) for stage in "ab" for step in range(50)}
    assert len(found) == 300
    torch.Generator().manual_seed(max(found))


def test_augmentation_is_a_function_of_its_seed_and_crops_to_size():
    from agerestore.data.augment import augment

    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (4, 3, 40, 40), dtype=torch.uint8, generator=generator)
    first = augment(images, 32, 5)
    assert first.shape == (4, 3, 32, 32)
    assert first.dtype == torch.uint8
    assert torch.equal(first, augment(images, 32, 5))
    assert not torch.equal(first, augment(images, 32, 6))
    assert augment(images[:, :1], 32, 5).shape == (4, 1, 32, 32)


def test_masks_and_what_a_run_has_drawn_are_no_training_data(tmp_path):
    picture(tmp_path / "a.png", 10)
    picture(tmp_path / "a.mask.png", 255)
    picture(tmp_path / "b.Mask.JPG", 255)
    picture(tmp_path / "run" / "sheets" / "game-1.png", 255)
    for name in ("config.json", "log.jsonl"):
        (tmp_path / "run" / name).write_text("{}")
    assert sources.load_images(tmp_path, 32, 1).images.unique().tolist() == [10]


def test_photographs_that_are_too_small_are_counted(tmp_path):
    for number, side in enumerate((64, 63, 20)):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.zeros((side, 80), np.uint8))
    photographs = sources.load_photographs(tmp_path, 64)
    assert len(photographs) == 1
    assert photographs.skipped == (f"{tmp_path}: 2 of 3 images left out, smaller than 64x64 pixels",)


@pytest.mark.parametrize("part", ["MNIST/raw", "cifar-10-batches-py"])
def test_a_set_of_which_files_are_missing_is_named(tmp_path, part):
    (tmp_path / part).mkdir(parents=True)
    with pytest.raises(NothingReadableError, match="files of this set are missing or damaged"):
        sources.load_images(tmp_path, 32, 3)


def test_a_set_is_told_from_another_and_not_from_itself():
    images = torch.arange(12, dtype=torch.uint8).reshape(3, 1, 2, 2)
    same, labeled = (
        datasets.ImageSet(images).digest(),
        datasets.ImageSet(images, torch.tensor([0, 1, 2])),
    )
    assert datasets.ImageSet(images.clone()).digest() == same
    others = [
        labeled,
        datasets.ImageSet(images.flip(0)),
        datasets.ImageSet(images[:2]),
        datasets.PhotoSet((images[0],)),
    ]
    assert len({same, *(each.digest() for each in others)}) == 5


def test_one_picture_at_least_is_held_out_where_any_share_is():
    few = datasets.ImageSet(torch.zeros(5, 1, 2, 2, dtype=torch.uint8))
    for share, held_out in ((0.05, 1), (0, 0), (0.5, 2)):
        assert len(datasets.split_validation(few, share)[1]) == held_out


def test_fewer_labels_than_asked_for_are_refused():
    with pytest.raises(UsageError, match="labels=4: only 3 are there"):
        datasets.hide_labels(torch.tensor([0, 0, 0, 1]), 4, seed=0)


def test_sets_give_their_images_in_groups_of_one_size():
    images = torch.arange(24, dtype=torch.uint8).reshape(2, 3, 2, 2)
    (group,) = datasets.ImageSet(images).groups()
    assert torch.equal(group, images)
    photographs = datasets.PhotoSet((images[0], images[1, :, :1]))
    assert [tuple(group.shape) for group in photographs.groups()] == [(1, 3, 2, 2), (1, 3, 1, 2)]
    assert (datasets.ImageSet(images).one_size, photographs.one_size) == (True, False)
