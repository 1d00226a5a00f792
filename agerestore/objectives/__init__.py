"""The systems as data: each is a function of named loss terms; the turns that weigh them are in the presets."""

from agerestore.objectives.age import AGE
from agerestore.objectives.base import Batch, Objective
from agerestore.objectives.coloring import ColoringAGE
from agerestore.objectives.conditional import ConditionalAGE
from agerestore.objectives.estimate import estimate_terms
from agerestore.objectives.robust import robust_terms

__all__ = ["AGE", "Batch", "ColoringAGE", "ConditionalAGE", "Objective", "estimate_terms", "robust_terms"]
