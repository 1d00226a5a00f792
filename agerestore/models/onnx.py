"""Models as ONNX files, for programs without torch.

The graph is recorded by torch's tracer and not by its newer exporter: that one takes 20 times as long, needs a second
package, and refuses networks that ask whether anything is unknown. The tracer writes down what they do where something
is, which is right, if a little slower, where nothing is.
"""

import json
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from agerestore import files
from agerestore.errors import UsageError
from agerestore.images.composite import fill_masked
from agerestore.images.observation import Observation
from agerestore.models.registry import Autoencoder, PhotoModel
from agerestore.models.weights import LoadedModel

OPSET = 17
EXAMPLE = 64  # pixels a side of the picture that is shown to the tracer, where any will do


class _Photograph(nn.Module):
    outputs = ("estimate", "deviation")
    free = ("batch", None, "height", "width")

    def __init__(self, networks: PhotoModel) -> None:
        super().__init__()
        self.networks = networks
        self.example = (3, EXAMPLE, EXAMPLE)

    def forward(self, image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        estimate, deviation = self.networks.estimate(image, mask)
        return estimate.clamp(0, 1), deviation.clamp(0, 1)


class _EncodeThenGenerate(nn.Module):
    outputs = ("estimate",)
    free = ("batch", None, None, None)

    def __init__(self, networks: Autoencoder) -> None:
        super().__init__()
        self.networks = networks
        self.example = (networks.config.channels, networks.config.image_size, networks.config.image_size)

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        return self.networks.generate(self.networks.encode(fill_masked(Observation(image, mask)), robust=True))


def export_onnx(model: LoadedModel, path: Path) -> None:
    """Write the part of a model that restores as one ONNX graph in fp32.

    Its inputs are ``image`` (B, C, H, W) in [0, 1] and ``mask`` (B, 1, H, W), 1 where pixels are unknown, else 0; its
    outputs ``estimate``, like the image, and of models for photographs ``deviation``, the standard deviation that its
    error is expected to have; all in [0, 1]. Photographs have any size, pictures of a domain that of the model.
    Observed pixels are estimated, too: put them back where they are trusted. In holes more than 15 pixels deep the
    graph begins with mid-gray, where `restore` continues the colors around them
    (`agerestore.inference.coarse_to_fine`). What the header of the weights says, such as the terms of the training
    data, is in the metadata under ``agerestore``.

    Args:
        model: weights with their header, on the CPU.
        path: the file to write, whole or not at all.

    Raises:
        UsageError: onnx is not installed, or the model is of another kind.
    """
    graph = _graph(model.networks).eval()
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.parent}; make it first")
    onnx = _onnx()
    image = torch.rand(1, *graph.example, generator=torch.Generator().manual_seed(0))
    mask = (image[:, :1] < 0.5).float()  # with something unknown, so that what is done about it is recorded
    free = {axis: name for axis, name in enumerate(graph.free) if name}
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is the older exporter, and that a branch is recorded as taken
        recorded = Path(folder) / "recorded.onnx"
        torch.onnx.export(
            graph, (image, mask), str(recorded), dynamo=False, opset_version=OPSET,
            input_names=["image", "mask"], output_names=[*graph.outputs],
            dynamic_axes=dict.fromkeys(("image", "mask", *graph.outputs), free),
        )  # fmt: skip
        whole = onnx.load_model(recorded)
    onnx.helper.set_model_props(whole, {"agerestore": json.dumps(model.header, sort_keys=True)})
    onnx.checker.check_model(whole, full_check=True)
    files.write(path, whole.SerializeToString())


def _graph(networks: nn.Module) -> _Photograph | _EncodeThenGenerate:
    if isinstance(networks, PhotoModel):
        return _Photograph(networks)
    if isinstance(networks, Autoencoder):
        return _EncodeThenGenerate(networks)
    raise UsageError("only models that restore are exported; this one is of another kind, see `agerestore models info`")


def _onnx() -> Any:
    try:
        import onnx
    except ModuleNotFoundError:
        raise UsageError("exporting needs onnx, which is not installed; pip install 'agerestore[onnx]'") from None
    return onnx
