"""Start training from the weights of smaller networks, or of networks that lack some of these.

After Net2Net (Chen, Goodfellow, Shlens, 2016): the larger network computes at first what the smaller one does.
"""

from collections.abc import Mapping

from torch import Tensor, nn

from agerestore.errors import UsageError
from agerestore.models.base import ModelNetworks
from agerestore.models.layers import spectral
from agerestore.models.layers.estimator import ResidualBlock

MISMATCH = "`init`: other networks than those of the run; choose the preset that those weights were trained with"


def load_pretrained(networks: ModelNetworks, weights: Mapping[str, Tensor]) -> None:
    """Load trained weights into freshly built networks.

    Networks that the weights have nothing of, such as critics, keep their initialization; what a later stage adds is
    removed. Where the kind `can_widen`, the weights may also lack networks of ``networks``, or be of narrower and
    shallower ones: additional residual blocks are the identity, and additional channels have no outgoing weights to
    the channels that were there.

    Args:
        networks: as `agerestore.models.registry.build` made them.
        weights: trained, as of ``state_dict``.

    Raises:
        UsageError: the weights are of other networks.
    """
    for name in networks.late_networks:
        setattr(networks, name, None)
    weights = _matching(networks, weights)
    fresh = tuple(prefix for prefix in _optional(networks) if not any(key.startswith(prefix) for key in weights))
    loaded = {name: value for name, value in networks.state_dict().items() if not name.startswith(fresh)}
    if not weights or loaded.keys() != weights.keys():
        raise UsageError(MISMATCH)
    transposed = {f"{name}.weight" for name, layer in networks.named_modules() if isinstance(layer, nn.ConvTranspose2d)}
    for name, value in weights.items():
        if value.shape == loaded[name].shape:
            loaded[name] = value
        elif networks.can_widen and _is_narrower(value, loaded[name]):
            loaded[name] = _widen(value, loaded[name], outputs=1 if name in transposed else 0)
        else:
            raise UsageError(MISMATCH)
    networks.load_state_dict(loaded, strict=False)
    spectral.set_exact_sigma(networks)


def _matching(networks: ModelNetworks, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights that are loaded, under the names that the tensors of ``networks`` have."""
    own = dict(networks.named_children())
    dropped = {name.split(".")[0] for name in weights} - own.keys() if networks.can_widen else {*networks.late_networks}
    kept = {name: value for name, value in weights.items() if name.split(".")[0] not in dropped}
    return spectral.to_parametrized(networks, kept)


def _optional(networks: nn.Module) -> list[str]:
    """Beginnings of tensor names that trained weights may lack: whole networks, and residual blocks."""
    blocks = (name for name, module in networks.named_modules() if isinstance(module, ResidualBlock))
    return [f"{name}." for name in (*dict(networks.named_children()), *blocks)]


def _is_narrower(trained: Tensor, fresh: Tensor) -> bool:
    return trained.dim() == fresh.dim() and all(map(int.__le__, trained.shape, fresh.shape))


def _widen(trained: Tensor, fresh: Tensor, outputs: int) -> Tensor:
    """``fresh`` with the trained weights in its first channels, whose outputs ignore the additional inputs.

    Args:
        trained: weights of a convolution, or its biases.
        fresh: likewise, of at least as many channels.
        outputs: the dimension of output channels.
    """
    wide = fresh.clone()
    wide.narrow(outputs, 0, trained.shape[outputs]).zero_()
    wide[tuple(map(slice, trained.shape))] = trained
    return wide
