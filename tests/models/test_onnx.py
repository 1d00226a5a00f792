"""What is exported answers as the model does, at any size, with and without unknown pixels."""

import json

import pytest
import torch
from agerestore_cli.app import app
from typer.testing import CliRunner

from agerestore.config.networks import ColorizerConfig
from agerestore.errors import UsageError
from agerestore.images.composite import fill_masked
from agerestore.images.observation import Observation
from agerestore.models import onnx as onnx_export
from agerestore.models import zoo
from agerestore.models.base import Model
from agerestore.models.registry import build

TOLERANCE = {"rtol": 0, "atol": 2e-5}  # fp32: a two-hundredth of an 8-bit level


def session(name, folder):
    for package in ("onnx", "onnxruntime"):
        pytest.importorskip(package, reason="the extra [onnx] is not installed")
    import onnxruntime

    path = folder / f"{name}.onnx"
    result = CliRunner().invoke(app, ["export", "-m", name, str(path)])
    assert result.exit_code == 0, result.output
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def drawn(shape, unknown):
    generator = torch.Generator().manual_seed(1)
    image = torch.rand(shape, generator=generator)
    return image, (torch.rand(shape[0], 1, *shape[2:], generator=generator) < unknown).float()


def answers(session, image, mask):
    found = session.run(None, {"image": image.numpy(), "mask": mask.numpy()})
    return dict(zip((each.name for each in session.get_outputs()), map(torch.from_numpy, found), strict=True))


def test_photo_at_sizes_that_the_tracer_did_not_see(tmp_path):
    exported, networks = session("photo", tmp_path), zoo.load("photo").networks
    for shape, unknown in [((1, 3, 38, 45), 0.3), ((2, 3, 64, 40), 0), ((1, 3, 17, 99), 1)]:
        image, mask = drawn(shape, unknown)
        found = answers(exported, image, mask)
        with torch.no_grad():
            estimate, deviation = networks.estimate(image, mask)
        torch.testing.assert_close(found["estimate"], estimate.clamp(0, 1), **TOLERANCE)
        torch.testing.assert_close(found["std"], deviation.clamp(0, 1), **TOLERANCE)


def test_a_model_of_a_domain_encodes_and_generates(tmp_path):
    exported, networks = session("mnist", tmp_path), zoo.load("mnist").networks
    image, mask = drawn((3, 1, 32, 32), 0.3)
    with torch.no_grad():
        expected = networks.generate(networks.encode(fill_masked(Observation(image, mask)), robust=True))
    torch.testing.assert_close(answers(exported, image, mask)["estimate"], expected, **TOLERANCE)
    said = json.loads(exported.get_modelmeta().custom_metadata_map["agerestore"])
    assert said["data_license"] == zoo.info("mnist")["data_license"]


def test_an_existing_file_is_kept(tmp_path):
    path = tmp_path / "there.onnx"
    path.write_text("precious")
    result = CliRunner().invoke(app, ["export", "-m", "mnist", str(path)])
    assert result.exit_code == 2
    assert "exists; pass --overwrite" in result.output
    assert path.read_text() == "precious"


def test_another_kind_of_model_is_refused_in_one_line(tmp_path):
    with pytest.raises(UsageError, match="only models that restore are exported"):
        onnx_export.export_onnx(Model(build(ColorizerConfig(width=4)), {}, "colors"), tmp_path / "no.onnx")
    assert not (tmp_path / "no.onnx").exists()


def test_without_the_extra_it_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(UsageError, match=r"pip install 'agerestore\[onnx\]'"):
        onnx_export.export_onnx(zoo.load("mnist"), tmp_path / "no.onnx")
