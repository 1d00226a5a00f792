"""Spectral normalization (Miyato et al., 2018): a network whose layers stretch nothing by more than 1."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


def add_spectral_norm(network: nn.Module) -> None:
    """Give every convolution and linear layer a spectral norm of 1, and a bias; batch norms go.

    A batch norm would undo it: it scales what it is given to a variance of its own.

    Args:
        network: changed in place; the norm is estimated anew by a step of power iteration in each pass of training.
    """
    for module in [*network.modules()]:
        for name, child in module.named_children():
            if isinstance(child, NORMS):
                setattr(module, name, nn.Identity())
        if isinstance(module, nn.Conv2d | nn.Linear):
            if module.bias is None:
                module.bias = nn.Parameter(torch.zeros(len(module.weight)))
            spectral_norm(module)


@torch.no_grad()
def power_iteration(network: nn.Module) -> None:
    """Estimate the norms of the weights as they are, by a step of power iteration, of a network in either mode.

    An average of weights needs it, for the norm of an average is no average of norms.
    """
    for layer in _normalized(network):
        norm = layer.parametrizations.weight
        training = norm.training
        norm.train()
        norm()
        norm.train(training)


@torch.no_grad()
def set_exact_sigma(network: nn.Module) -> None:
    """Find the norms of the weights as they are exactly: by a decomposition, of which power iteration then goes on."""
    for layer in _normalized(network):
        norm = layer.parametrizations.weight
        left, _, right = torch.linalg.svd(norm.original.flatten(1), full_matrices=False)
        norm[0]._u.copy_(left[:, 0])
        norm[0]._v.copy_(right[0])


def remove_spectral_norm(network: nn.Module) -> None:
    """Make plain weights of normalized ones, in place, for networks that only answer.

    Torch's ``remove_parametrizations`` takes the weights off the class, which a copy shares with its original.
    """
    for layer in _normalized(network):
        weight = layer.weight.detach().clone()
        layer.__class__ = parametrize.type_before_parametrizations(layer)
        del layer.parametrizations
        layer.weight = nn.Parameter(weight)


def to_parametrized(network: nn.Module, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Plain weights of a network, as of its ``state_dict``, under the names that its normalized layers have."""
    renamed = dict(weights)
    for name, value in network.state_dict().items():
        layer, inside, _ = name.partition(".parametrizations.weight.")
        if inside and f"{layer}.weight" in weights:
            renamed.pop(f"{layer}.weight", None)
            renamed[name] = weights[f"{layer}.weight"] if name.endswith(".original") else value
    return renamed


def _normalized(network: nn.Module) -> list[Any]:
    return [layer for layer in network.modules() if parametrize.is_parametrized(layer, "weight")]
