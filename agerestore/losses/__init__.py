"""The systems as data: each is a function of named loss terms; the turns that weigh them are in the presets."""

from agerestore.losses.age import AGE
from agerestore.losses.base import Batch, Objective
from agerestore.losses.code_prior import paints_terms
from agerestore.losses.colorization import ColoringAGE
from agerestore.losses.conditional_age import ConditionalAGE
from agerestore.losses.registry import OBJECTIVES
from agerestore.losses.regression import estimate_terms
from agerestore.losses.robust_encoder import robust_terms
from agerestore.research.objectives.aaae import AAAE
from agerestore.research.objectives.aae import AAE
from agerestore.research.objectives.ali import ali_terms
from agerestore.research.objectives.gan import dcgan_terms
from agerestore.research.objectives.vae import VAE

__all__ = [
    "AAAE",
    "AAE",
    "AGE",
    "OBJECTIVES",
    "VAE",
    "Batch",
    "ColoringAGE",
    "ConditionalAGE",
    "Objective",
    "ali_terms",
    "dcgan_terms",
    "estimate_terms",
    "paints_terms",
    "robust_terms",
]
