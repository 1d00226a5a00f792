"""Models as ONNX files, for programs without torch.

The graph is recorded by torch's tracer and not by its newer exporter: that one takes 20 times as long, needs a second
package, and refuses networks that ask whether any pixel is missing. The tracer records what they do where one is,
which is right, if a little slower, where none is.
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
from agerestore.models.base import Model, ModelNetworks

OPSET = 17
EXAMPLE = 64  # pixels a side of the image that is shown to the tracer, where any will do


class _Graph(nn.Module):
    def __init__(self, networks: ModelNetworks) -> None:
        super().__init__()
        self.networks = networks

    def forward(self, image: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        return self.networks.onnx_forward(image, mask)


def export_onnx(model: Model, path: Path) -> None:
    """Write the part of a model that restores as one ONNX graph in fp32.

    Its inputs are ``image`` (B, C, H, W) in [0, 1] and ``mask`` (B, 1, H, W), 1 where pixels are missing, else 0. Its
    outputs are in [0, 1]: ``estimate``, like the image, and of models for photographs ``std``, the standard deviation
    that its error is expected to have. Height and width are free, or the size of the model. Observed pixels are
    estimated, too: put them back where they are trusted. In holes deeper than the interpolation reaches
    (`agerestore.images.composite.INTERPOLATION_REACH`) the graph begins with mid-gray, where `agerestore.restore`
    fills them from coarse to fine. The header of the weights, with the license of the training data, is in the
    metadata under ``agerestore``.

    Args:
        model: weights with their header, on the CPU.
        path: the file to write, whole or not at all.

    Raises:
        UsageError: onnx is not installed, or the model is of a kind that is not exported.
    """
    if not model.networks.onnx_outputs:
        raise UsageError(f"{model.name}: only models that restore are exported, and its task is {model.task}")
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.parent}; make it first")
    onnx = _onnx()
    with TemporaryDirectory() as folder:
        recorded = Path(folder) / "recorded.onnx"
        _record(model, recorded)
        whole = onnx.load_model(recorded)
    onnx.helper.set_model_props(whole, {"agerestore": json.dumps(model.header, sort_keys=True)})
    onnx.checker.check_model(whole, full_check=True)
    files.write(path, whole.SerializeToString())


def _record(model: Model, path: Path) -> None:
    spec, outputs = model.input, model.networks.onnx_outputs
    side = spec.size or EXAMPLE
    image = torch.rand(1, spec.channels, side, side, generator=torch.Generator().manual_seed(0))
    mask = (image[:, :1] < 0.5).float()  # with missing pixels, so that what is done about them is recorded
    free = {0: "batch"} if spec.size else {0: "batch", 2: "height", 3: "width"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is the older exporter, and that a branch is recorded as taken
        torch.onnx.export(
            _Graph(model.networks).eval(), (image, mask), str(path), dynamo=False, opset_version=OPSET,
            input_names=["image", "mask"], output_names=[*outputs],
            dynamic_axes=dict.fromkeys(("image", "mask", *outputs), free),
        )  # fmt: skip


def _onnx() -> Any:
    try:
        import onnx
    except ModuleNotFoundError:
        raise UsageError("exporting needs onnx, which is not installed; pip install 'agerestore[onnx]'") from None
    return onnx
