"""Networks for inference: batch norms fused into the convolutions before them, tensors laid out channels last."""

import copy
from itertools import pairwise
from typing import TypeVar

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from agerestore.models.layers import spectral

Network = TypeVar("Network", bound=nn.Module)


def fuse(network: Network) -> Network:
    """A faster copy in eval mode, without gradients, that computes the same up to rounding.

    In eval mode a batch norm scales and shifts each channel, which the weights and the bias of the convolution before
    it can do as well. Norms that do not follow a convolution stay. Spectral norms become part of the weights.
    """
    fused = copy.deepcopy(network).eval()
    spectral.remove_spectral_norm(fused)
    for layers in [each for each in fused.modules() if isinstance(each, nn.Sequential)]:
        for (name, convolution), (norm_name, norm) in pairwise([*layers.named_children()]):
            if isinstance(convolution, nn.Conv2d | nn.ConvTranspose2d) and isinstance(norm, nn.BatchNorm2d):
                transposed = isinstance(convolution, nn.ConvTranspose2d)
                setattr(layers, name, fuse_conv_bn_eval(convolution, norm, transpose=transposed))
                setattr(layers, norm_name, nn.Identity())
    return fused.requires_grad_(False).to(memory_format=torch.channels_last)
