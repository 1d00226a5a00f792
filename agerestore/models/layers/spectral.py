"""Spectral normalization (Miyato et al., 2018): each layer is divided by its largest singular value, sigma."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


def add_spectral_norm(network: nn.Module) -> None:
    """Normalize every convolution and linear layer to a spectral norm of 1, and give it a bias; remove batch norms.

    A batch norm would undo it: it scales its input to a variance of its own.

    Args:
        network: changed in place; each pass of training updates sigma by one step of power iteration.
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
    """Update sigma of every layer by one step of power iteration, in training and in eval mode.

    For averaged weights, whose sigma is not the average of sigmas.
    """
    for layer in _normalized(network):
        norm = layer.parametrizations.weight
        training = norm.training
        norm.train()
        norm()
        norm.train(training)


@torch.no_grad()
def set_exact_sigma(network: nn.Module) -> None:
    """Compute sigma of every layer by a singular value decomposition, from which power iteration goes on."""
    for layer in _normalized(network):
        norm = layer.parametrizations.weight
        left, _, right = torch.linalg.svd(norm.original.flatten(1), full_matrices=False)
        norm[0]._u.copy_(left[:, 0])
        norm[0]._v.copy_(right[0])


def remove_spectral_norm(network: nn.Module) -> None:
    """Replace normalized weights by plain ones of the same values, in place, for inference.

    Not by torch's ``remove_parametrizations``: that deletes the weight from a class that copies of the layer share.
    """
    for layer in _normalized(network):
        weight = layer.weight.detach().clone()
        layer.__class__ = parametrize.type_before_parametrizations(layer)
        del layer.parametrizations
        layer.weight = nn.Parameter(weight)


def to_parametrized(network: nn.Module, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Plain weights, as of a ``state_dict``, under the names they have in a network with spectral norms.

    Args:
        network: with spectral norms, whose vectors of power iteration are taken along.
        weights: of the same network without.
    """
    renamed = dict(weights)
    for name, value in network.state_dict().items():
        layer, inside, _ = name.partition(".parametrizations.weight.")
        if inside and f"{layer}.weight" in weights:
            renamed.pop(f"{layer}.weight", None)
            renamed[name] = weights[f"{layer}.weight"] if name.endswith(".original") else value
    return renamed


def _normalized(network: nn.Module) -> list[Any]:
    return [layer for layer in network.modules() if parametrize.is_parametrized(layer, "weight")]
