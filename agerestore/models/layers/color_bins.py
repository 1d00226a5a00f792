"""Colors as classes: the bins of a and b that sRGB can show, and the mean color of a distribution over them.

After Zhang, Isola and Efros, "Colorful image colorization", 2016, whose bins are 10 wide. A color is not one bin but a
convex combination of the four around it, so that the mean of its own distribution is the color itself.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agerestore.images.color import rgb_to_lab

WIDTH = 10.0  # of a bin along a and b, in units of Lab
REACH = 11  # bins on each side of gray along an axis: a and b of sRGB stay within 110
SHARPNESS = 1 / 0.38  # the distribution is taken to this power before its mean (section 2.3 of the paper)
RARITY, MOST_RARE = 20.0, 45.0  # the weight of a color grows e-fold with this much chroma, up to that chroma


class ColorBins(nn.Module):
    """The bins of a and b, and what is computed with distributions over them.

    Attributes:
        centers: (K, 2) a and b of the bins.
    """

    centers: Tensor
    numbers: Tensor

    def __init__(self) -> None:
        super().__init__()
        used = _used_bins()
        places = used.nonzero()
        numbers = torch.zeros(used.shape, dtype=torch.long)
        numbers[used] = torch.arange(len(places))
        self.register_buffer("centers", (places - REACH) * WIDTH, persistent=False)
        self.register_buffer("numbers", numbers, persistent=False)

    def __len__(self) -> int:
        return len(self.centers)

    def encode(self, chroma: Tensor) -> tuple[Tensor, Tensor]:
        """Chroma (B, 2, H, W) -> the numbers of the four bins around each color and their shares, (B, 4, H, W) each."""
        place = (chroma / WIDTH + REACH).clamp(0, 2 * REACH - 1e-3)
        low = place.long()
        share = place - low
        numbers, shares = [], []
        for up in (0, 1):
            for right in (0, 1):
                numbers.append(self.numbers[low[:, 0] + up, low[:, 1] + right])
                part = [share[:, axis] if step else 1 - share[:, axis] for axis, step in ((0, up), (1, right))]
                shares.append(part[0] * part[1])
        return torch.stack(numbers, 1), torch.stack(shares, 1)

    def mean(self, logits: Tensor, sharpness: float = SHARPNESS) -> Tensor:
        """Logits (B, K, H, W) -> the mean color (B, 2, H, W) of the sharpened distribution; differentiable."""
        probability = (logits.float() * sharpness).softmax(dim=1)
        mean: Tensor = F.conv2d(probability, self.centers.mT[:, :, None, None].to(probability.dtype))
        return mean

    def cross_entropy(self, logits: Tensor, chroma: Tensor) -> Tensor:
        """Cross-entropy of logits (B, K, H, W) against colors (B, 2, H, W), rare colors weighing more; a scalar.

        The paper weighs a bin by how seldom photographs have it. That falls nearly exponentially with chroma, which is
        all that counts here: no statistics of a training set are needed.
        """
        numbers, shares = self.encode(chroma)
        losses = -(logits.float().log_softmax(dim=1).gather(1, numbers) * shares).sum(dim=1)
        weight = (chroma.norm(dim=1).clamp(max=MOST_RARE) / RARITY).exp()
        total: Tensor = (weight * losses).sum() / weight.sum()
        return total

    def initial_bias(self) -> Tensor:
        """Logits (K,) from which training starts: most of a photograph has little chroma."""
        bias: Tensor = -self.centers.norm(dim=1) / RARITY
        return bias


def _used_bins() -> Tensor:
    """Which nodes of the grid of bins are next to a color of sRGB, (2 REACH + 1, 2 REACH + 1) bool."""
    levels = torch.linspace(0, 1, 52)
    rgb = torch.stack(torch.meshgrid(levels, levels, levels, indexing="ij")).flatten(1)[None, :, None]
    place = (rgb_to_lab(rgb)[0, 1:, 0] / WIDTH + REACH).long()
    used = torch.zeros(2 * REACH + 1, 2 * REACH + 1, dtype=torch.bool)
    for up in (0, 1):
        for right in (0, 1):
            used[place[0] + up, place[1] + right] = True
    return used
