"""Published sets as they lie on disk, drawn: Stanford Cars with its devkit, Tiny ImageNet with its lists."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from scipy.io import savemat

from agerestore.data import layouts, sources
from agerestore.errors import AgeRestoreError, NothingReadableError

BOX = ("bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2")


def car(path: Path, box: tuple[int, int, int, int], value: int, size: tuple[int, int] = (60, 90)) -> None:
    """A black picture that is ``value`` inside a box of pixels that count from 1, its last ones included."""
    left, top, right, bottom = box
    pixels = np.zeros((*size, 3), np.uint8)
    pixels[top - 1 : bottom, left - 1 : right] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), pixels)


def annotations(path: Path, rows: list[tuple], with_class: bool = True) -> None:
    names = (*BOX, *(("class",) if with_class else ()), "fname")
    found = np.zeros((1, len(rows)), [(name, object) for name in names])
    for number, row in enumerate(rows):
        found[0, number] = row
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {"annotations": found})


def cars(root: Path, with_class: bool = True) -> Path:
    boxes = [(11, 6, 70, 45), (1, 1, 90, 60), (21, 11, 40, 50)]
    for number, box in enumerate(boxes):
        car(root / "cars_train" / f"0000{number}.png", box, 100 + number)
        car(root / "cars_test" / f"0000{number}.png", box, 200 + number)
    annotations(
        root / "devkit/cars_train_annos.mat",
        [(*box, 196 - number, f"0000{number}.png") for number, box in enumerate(boxes)],
    )
    test = [(*box, *((7,) if with_class else ()), f"0000{number}.png") for number, box in enumerate(boxes)]
    annotations(root / f"devkit/cars_test_annos{'_withlabels' * with_class}.mat", test, with_class)
    return root


@pytest.mark.parametrize("inside", ["", "stanford_cars"])  # as published, and as torchvision has it
def test_cars_are_cropped_to_their_boxes_and_have_their_classes(tmp_path, inside):
    cars(tmp_path / inside)
    images = sources.load_images(tmp_path, 64, 3, stretch=True)
    # Nothing of the black around a box is left, and no row or column of the box is missing.
    assert [image.unique().tolist() for image in images.images] == [[100], [101], [102]]
    assert images.labels.tolist() == [195, 194, 193]
    test = sources.load_images(tmp_path, 64, 3, "test")
    assert test.images.amin((1, 2, 3)).tolist() == [200, 201, 202]
    assert test.labels.tolist() == [6, 6, 6]
    photographs = sources.load_photographs(tmp_path, least=30)
    assert [tuple(image.shape) for image in photographs.images] == [(3, 40, 60), (3, 60, 90)]
    assert "1 of 3 images left out, smaller" in photographs.skipped[0]


def test_a_single_car_and_a_test_part_without_classes_are_read(tmp_path):
    cars(tmp_path, with_class=False)
    assert sources.load_images(tmp_path, 64, 3, "test").labels is None
    annotations(tmp_path / "devkit/cars_train_annos.mat", [(11, 6, 70, 45, 1, "00000.png")])
    assert sources.load_images(tmp_path, 64, 3).labels.tolist() == [0]


def test_a_car_that_is_missing_or_smaller_than_its_box_is_left_out_and_named(tmp_path):
    cars(tmp_path)
    (tmp_path / "cars_train/00000.png").unlink()
    car(tmp_path / "cars_train/00001.png", (1, 1, 20, 20), 5, size=(20, 20))
    images = sources.load_images(tmp_path, 64, 3)
    assert (len(images), images.labels.tolist(), images.found) == (1, [193], 3)
    assert "2 of 3 images left out. The first of them: " in images.skipped[0]
    assert "00000.png" in images.skipped[0]
    (tmp_path / "cars_train/00002.png").unlink()
    with pytest.raises(NothingReadableError, match="none of 3 images can be read"):
        sources.load_images(tmp_path, 64, 3)


def test_the_box_that_does_not_fit_is_named(tmp_path):
    cars(tmp_path)
    annotations(tmp_path / "devkit/cars_train_annos.mat", [(11, 6, 91, 45, 1, "00000.png")])
    with pytest.raises(NothingReadableError, match=r"00000\.png: the box 11 to 91, 6 to 45 .* inside its 90x60 pixels"):
        sources.load_images(tmp_path, 64, 3)


@pytest.mark.parametrize(("spoil", "said"), [
    (lambda root: (root / "devkit/cars_train_annos.mat").write_bytes(b"no MATLAB"), r"\(.*\)"),
    (lambda root: savemat(root / "devkit/cars_train_annos.mat", {"other": 1}), "annotations"),
    (lambda root: annotations(root / "devkit/cars_train_annos.mat", []), "name no image"),
])  # fmt: skip
def test_damaged_lists_of_cars_end_in_one_line(tmp_path, spoil, said):
    spoil(cars(tmp_path))
    with pytest.raises(NothingReadableError, match=said) as caught:
        sources.load_images(tmp_path, 64, 3)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path}: ")
    assert str(caught.value).endswith("copy it again")


def test_without_any_list_of_the_test_part_that_is_said(tmp_path):
    (cars(tmp_path) / "devkit/cars_test_annos_withlabels.mat").unlink()
    with pytest.raises(NothingReadableError, match=r"there is no devkit/cars_test_annos\.mat"):
        sources.load_images(tmp_path, 64, 3, "test")


def tiny(root: Path) -> Path:
    """Two classes, of which the second has one image more; a pixel is 100 times the class, plus the number."""
    for number, wnid in enumerate(("n01443537", "n07753592")):
        for image in range(2 + number):
            path = root / "train" / wnid / "images" / f"{wnid}_{image}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), np.full((64, 64, 3), 100 * number + image, np.uint8))
        (root / "train" / wnid / f"{wnid}_boxes.txt").write_text("")
    (root / "val/images").mkdir(parents=True)
    for image in range(3):
        cv2.imwrite(str(root / f"val/images/val_{image}.png"), np.full((64, 64, 3), 50 + image, np.uint8))
    rows = [f"val_{image}.png\t{wnid}\t0\t0\t9\t9" for image, wnid in
            enumerate(("n07753592", "n01443537", "n07753592"))]  # fmt: skip
    (root / "val/val_annotations.txt").write_text("\n".join(rows) + "\n")
    return root


@pytest.mark.parametrize("inside", ["", "tiny-imagenet-200"])
def test_tiny_imagenet_has_its_classes_and_is_tested_on_its_validation_part(tmp_path, inside):
    tiny(tmp_path / inside)
    images = sources.load_images(tmp_path, 32, 3)
    # One image of each class in turn: the first N of them are of all classes.
    assert images.images[:, 0, 0, 0].tolist() == [0, 100, 1, 101, 102]
    assert images.labels.tolist() == [0, 1, 0, 1, 1]
    test = sources.load_images(tmp_path, 32, 3, "test")
    assert (test.images[:, 0, 0, 0].tolist(), test.labels.tolist()) == ([50, 51, 52], [1, 0, 1])
    assert sources.load_images(tmp_path, 32, 3, "test", limit=2).labels.tolist() == [1, 0]
    assert layouts.has_splits(tmp_path)


def test_photographs_of_tiny_imagenet_have_the_class_numbers_of_imagenet(tmp_path):
    assert sources.load_photographs(tiny(tmp_path), split="test").labels.tolist() == [954, 1, 954]


def test_an_unknown_class_and_missing_classes_end_in_one_line(tmp_path):
    tiny(tmp_path)
    (tmp_path / "val/val_annotations.txt").write_text("val_0.png\tn00000000\t0\t0\t9\t9\n")
    with pytest.raises(NothingReadableError, match=r"damaged \('n00000000'\); copy it again"):
        sources.load_images(tmp_path, 32, 3, "test")
    for folder in (tmp_path / "train").iterdir():
        (folder / "images").rename(folder / "pictures")
    with pytest.raises(NothingReadableError, match="there is no train/CLASS/images"):
        sources.load_images(tmp_path, 32, 3)


def test_of_several_sets_in_one_folder_that_of_the_name_is_read(tmp_path):
    cars(tmp_path / "stanford_cars")
    tiny(tmp_path / "tiny-imagenet-200")
    assert layouts.find_set(tmp_path, "cars") == tmp_path
    assert len(sources.load_images(tmp_path, 64, 3, name="cars")) == 3
    assert len(sources.load_images(tmp_path, 64, 3, name="tinyimagenet")) == 5
    (tmp_path / "svhn").mkdir()
    assert layouts.find_set(tmp_path, "svhn") == tmp_path / "svhn"
    assert layouts.find_set(tmp_path, "mnist") is None


def test_labels_are_those_of_the_images_that_are_left(tmp_path):
    tiny(tmp_path)
    (tmp_path / "train/n01443537/images/n01443537_0.png").write_bytes(b"")
    images = sources.load_images(tmp_path, 32, 3)
    assert torch.equal(images.labels, torch.tensor([1, 0, 1, 1]))
    assert "1 of 5 images left out" in images.skipped[0]
    for file in tmp_path.rglob("*.png"):
        file.write_bytes(b"")
    with pytest.raises(AgeRestoreError, match="none of 5 images can be read"):
        sources.load_images(tmp_path, 32, 3)
