"""What models may be trained for: the names that options take."""

from __future__ import annotations

from typing import Literal

__all__ = ["Bound", "Contrast", "Gradient", "LikelihoodKind", "Prior"]

#: GMC's released loss, its ablation, or the paper's equation.
Contrast = Literal["infonce", "joints_as_negatives", "paper"]
#: ``bernoulli`` of logits, ``gaussian`` around the output, ``categorical`` over logits.
LikelihoodKind = Literal["bernoulli", "gaussian", "categorical"]
#: How codes are drawn to N(0, 1): by a distance of samples, or by a divergence of Gaussians.
Prior = Literal["mmd", "kl"]
#: Which lower bound is maximised.
Bound = Literal["elbo", "loose-elbo", "iwae", "loose-iwae"]
#: ``plain`` differentiates the bound as it stands; ``dreg`` is doubly reparametrised.
Gradient = Literal["plain", "dreg"]
