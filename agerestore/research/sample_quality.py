"""Scores of sets of images: how sure a classifier is of them, and how much fine structure they have."""

import torch
from torch import Tensor


def classifier_score(probabilities: Tensor) -> float:
    """The formula of the Inception score (Salimans et al., 2016) with any classifier.

    It is high where the classifier is sure of each image, and sees all classes alike often.

    Only with the Inception network and the classes of ImageNet it is that score.

    Args:
        probabilities: (N, K), each row of sum 1.

    Returns:
        exp of the mean divergence KL(p(y|x) || p(y)), from 1, where all rows are alike, to K.

    >>> round(classifier_score(torch.eye(4)), 4)
    4.0
    """
    logs = probabilities.clamp_min(1e-12).log() - probabilities.mean(0).clamp_min(1e-12).log()
    return float((probabilities * logs).sum(1).mean().exp())


def high_frequency_energy(image: Tensor, above: float = 0.25) -> Tensor:
    """Energy of an image at high spatial frequencies, which blur takes away and noise adds.

    The sum of |X|^2 / (H W)^2 over spatial frequencies above a limit, with X the discrete Fourier transform; over all
    frequencies but 0 it is the variance of the pixels (Parseval).

    Args:
        image: (B, C, H, W) float in [0, 1].
        above: the limit, in cycles per pixel and all directions; 0.5 is the finest that rows or columns can hold.

    Returns:
        (B,), in squared units of the image; the mean over channels.
    """
    height, width = image.shape[2:]
    y, x = (torch.fft.fftfreq(side, device=image.device) for side in (height, width))
    fine = y[:, None].square() + x.square() > above**2
    power = torch.fft.fft2(image.float()).abs().square() / (height * width) ** 2
    energy: Tensor = (power * fine).sum(dim=(2, 3)).mean(dim=1)
    return energy
