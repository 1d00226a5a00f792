"""Adversarially learned inference (Dumoulin et al., 2016, equation 4): one critic of pairs, no reconstruction.

Real pairs are (x, e(x)), the code drawn from the posterior; fake ones are (g(z), z).

========== =====================================================================================
term       meaning
========== =====================================================================================
joint_real -log D(x, e(x))
joint_fake -log(1 - D(g(z), z))
joint_fool -log D(g(z), z) - log(1 - D(x, e(x))): the encoder and the generator move towards each other
========== =====================================================================================
"""

from collections.abc import Collection

from torch import Tensor

from agerestore.losses.base import Batch, Networks
from agerestore.research.objectives.gan import fake_loss, real_loss, term_names

TERMS = term_names("joint")


def ali_terms(player: str, networks: Networks, batch: Batch, wanted: Collection[str]) -> dict[str, Tensor]:
    """Compute the ``wanted`` terms for ``joint_critic`` or ``encoder+generator``."""
    code = networks["encoder"].posterior(batch.encoder_input).code(batch.noise)
    of_real = networks["joint_critic"](batch.x, code)
    of_fake = networks["joint_critic"](networks["generator"](batch.z), batch.z)
    terms = {
        "joint_real": real_loss(of_real),
        "joint_fake": fake_loss(of_fake),
        "joint_fool": real_loss(of_fake) + fake_loss(of_real),
    }
    return {name: value for name, value in terms.items() if name in wanted}
