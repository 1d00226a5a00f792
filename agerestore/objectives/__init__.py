"""The systems as data: each is a function of named loss terms; the turns that weigh them are in the presets."""

from agerestore.objectives.aaae import AAAE
from agerestore.objectives.aae import AAE
from agerestore.objectives.age import AGE
from agerestore.objectives.ali import ali_terms
from agerestore.objectives.base import Batch, Objective
from agerestore.objectives.coloring import ColoringAGE
from agerestore.objectives.conditional import ConditionalAGE
from agerestore.objectives.estimate import estimate_terms
from agerestore.objectives.gan import dcgan_terms
from agerestore.objectives.paints import paints_terms
from agerestore.objectives.robust import robust_terms
from agerestore.objectives.systems import OBJECTIVES
from agerestore.objectives.vae import VAE

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
