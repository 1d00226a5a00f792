"""Networks that begin where trained ones stopped that are smaller, or lack some of their parts.

After Net2Net (Chen et al., 2016): the larger network computes at first what the smaller one does.
"""

from collections.abc import Mapping

from torch import Tensor, nn

from agerestore.errors import UsageError
from agerestore.models import photo
from agerestore.models.layers import spectral

OTHER_NETWORKS = "--init: other networks than those of the run; --set network... as the weights have it"


def take_over(networks: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Put trained weights into networks that nobody has trained.

    Networks that the weights have nothing of keep what they began with, such as critics. Those of photographs may do
    without the trained ones of the game. They may also be larger than the trained ones, and compute at first what those
    do: residual blocks that are more are the identity, and channels that are more are read by nobody who was there
    before, until training gives them weight.

    Args:
        networks: as `networks.build` made them.
        weights: of the trained ones, as of their ``state_dict``.

    Raises:
        UsageError: the weights are of other networks than these.
    """
    mine, grows = networks.state_dict(), isinstance(networks, photo.PhotoModel)
    if grows:
        own = dict(networks.named_children())
        weights = {name: value for name, value in weights.items() if name.split(".")[0] in own}
    weights = spectral.unbaked(networks, weights)
    begun_anew = tuple(name for name in _parts(networks) if not any(key.startswith(name) for key in weights))
    kept = {name: value for name, value in mine.items() if not name.startswith(begun_anew)}
    if not weights or kept.keys() != weights.keys():
        raise UsageError(OTHER_NETWORKS)
    transposed = {f"{name}.weight" for name, layer in networks.named_modules() if isinstance(layer, nn.ConvTranspose2d)}
    for name, value in weights.items():
        if value.shape == kept[name].shape:
            kept[name] = value
        elif grows and value.dim() == kept[name].dim() and all(map(int.__le__, value.shape, kept[name].shape)):
            kept[name] = _widened(value, kept[name], outputs=1 if name in transposed else 0)
        else:
            raise UsageError(OTHER_NETWORKS)
    networks.load_state_dict(kept, strict=False)
    spectral.measure(networks)


def _parts(networks: nn.Module) -> list[str]:
    """Where the names of parameters begin that trained weights may lack as a whole: networks, and residual blocks."""
    blocks = (name for name, module in networks.named_modules() if isinstance(module, photo.ResidualBlock))
    return [f"{name}." for name in (*dict(networks.named_children()), *blocks)]


def _widened(trained: Tensor, fresh: Tensor, outputs: int) -> Tensor:
    """``fresh`` with the trained weights where channels were there before, which see nothing of the new ones.

    Args:
        trained: weights of a convolution, or its biases.
        fresh: likewise, of at least as many channels.
        outputs: the dimension of the channels that the layer makes.
    """
    wide = fresh.clone()
    wide.narrow(outputs, 0, trained.shape[outputs]).zero_()
    wide[tuple(map(slice, trained.shape))] = trained
    return wide
