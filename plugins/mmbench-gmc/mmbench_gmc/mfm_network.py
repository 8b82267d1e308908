"""MFM: one discriminative factor of all streams, one generative factor a stream, surrogates.

LOSS. ``z_y = E_y(x_1..x_M)``, ``z_m = E_m(x_m)``, ``f_y = G_y(z_y)``, ``f_m = G_m(z_m)``; stream m
is decoded of ``[f_y, f_m]``, the target, if there is one, of ``f_y`` alone::

    L = disc(y, f_y) + sum_m w_m cost_m(x_m, decoder_m([f_y, f_m]))
        + prior_weight [MMD(z_y) + sum_m MMD(z_m)]
        + surrogate_weight sum_{S in D} [mse(z_y^S, z_y) + sum_{m not in S} mse(z_m^S, z_m)]

    MMD(z) = mean k(g, g') + mean k(z, z') - 2 mean k(g, z),   k(a, b) = exp(- |a - b|^2 / d^2)

with g as many draws of N(0, 1)^d as there are items, all pairs counted; ``cost`` the mean over a
stream's numbers of its negative log likelihood (of a label the cross-entropy); ``mse`` the mean
over items and numbers; ``disc`` L1 of a value, cross-entropy of a class. Gradients flow into both
sides of ``mse``.

MISSING STREAMS. ``z_y^S`` and ``z_m^S`` are what a surrogate network infers of the streams in S.
D are all subsets but the empty one and the whole. The representation is z_y of the complete set and
z_y^S of any other.

SOURCE. Y.-H. Tsai, P. Liang, A. Zadeh, L.-P. Morency and R. Salakhutdinov (2019), Learning
Factorized Multimodal Representations, ICLR, arXiv 1806.06176: the factors, the Wasserstein
autoencoder's objective, surrogate inference. Its released code (pliang279/factorized, MFM_missing):
the terms, the kernel, the means, both gradients of ``mse``, the two-layer G with ReLU, weights 1
(``prior_weight`` too; MMSA takes 100 of it on MOSI). There E_y is a memory fusion network, D leaves
one modality out, and each S has networks of its own; CHOSEN here: E_y is GMC's joint encoder (its
own trunks, concatenated), one surrogate network takes every S with a mask, D is all subsets.
Unsupervised there is no ``disc``: then z_y is what all streams are decoded with.

WHAT IS A BOUND. Nothing of ``prior = "mmd"``: it is a penalised transport cost, and MMD(z), a
squared distance of means in the kernel's space, is 0 or more. With ``prior = "kl"`` (the released
ablation MFM_KL; CHOSEN: codes are drawn, and costs are sums) the encoders give Gaussians, and the
cost terms plus all divergences from N(0, 1) are with weights 1 an upper bound of ``- log p(x)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn

from mmbench_gmc.gaussians import Gaussian, divergence_from_standard, noise, sample
from mmbench_gmc.network import Network
from mmbench_gmc.prediction import target_loss
from mmbench_gmc.subsets import draw_proper_subsets
from mmbench_gmc.variational import BySlot, Generation, bounded, mlp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from mmbench_gmc.likelihoods import Likelihood
    from mmbench_gmc.objectives import Prior
    from mmbench_gmc.variational import ContrastiveTerm

__all__ = ["Factors", "MFMNetwork", "maximum_mean_discrepancy"]

#: Subsets of a step, at most: all of six streams.
_SUBSETS = 62


def maximum_mean_discrepancy(codes: Tensor, draws: Tensor) -> Tensor:
    """The squared distance of two samples [n, d] and [k, d] under the released kernel.

    The biased estimate (pairs of an item with itself are counted), so it is 0 or more.
    """

    def mean_kernel(one: Tensor, other: Tensor) -> Tensor:
        squared = (one.unsqueeze(1) - other.unsqueeze(0)).pow(2).sum(dim=-1)
        return torch.exp(-squared / one.shape[-1] ** 2).mean()

    return mean_kernel(draws, draws) + mean_kernel(codes, codes) - 2.0 * mean_kernel(draws, codes)


class Factors(NamedTuple):
    """What the encoders give of a complete batch.

    Attributes:
        shared: z_y; its log variance is zero where the prior is ``mmd`` and not looked at.
        own: Slot to z_m.
        evidence: [B, streams, latent], what the surrogate network looks at.
    """

    shared: Gaussian
    own: dict[str, Gaussian]
    evidence: Tensor


class MFMNetwork(Network):
    """The model.

    Args:
        joint: E_y: a mapping of all streams' [B, *shape] to [B, latent], twice that of a ``kl``.
        encoders: Slot to E_m: [B, *shape] to [B, size + latent], of a ``kl`` 2 x size + latent: the
            code (mean, log variance), then the evidence for the surrogates.
        decoders: Slot to a module [N, 2 x latent] to [N, *shape].
        likelihoods: Slot to kind and weight.
        sizes: Slot to the numbers of z_m.
        latent: Numbers of z_y and of each factor f.
        hidden: Width of the surrogate network's two layers.
        prior: How codes are drawn to N(0, 1).
        prior_weight: Of the MMD terms, or of the divergences.
        surrogate_weight: Of the surrogates' errors.
        outputs: Numbers of the target's prediction; 0 = unsupervised.
        contrast: GMC's term, if it is added.
    """

    def __init__(
        self,
        joint: nn.Module,
        encoders: Mapping[str, nn.Module],
        decoders: Mapping[str, nn.Module],
        likelihoods: Mapping[str, Likelihood],
        sizes: Mapping[str, int],
        *,
        latent: int,
        hidden: int = 256,
        prior: Prior = "mmd",
        prior_weight: float = 1.0,
        surrogate_weight: float = 1.0,
        outputs: int = 0,
        contrast: ContrastiveTerm | None = None,
    ) -> None:
        super().__init__()
        self.slots = tuple(encoders)
        self.joint = joint
        self.encoders = BySlot(encoders)
        self.generation = Generation(decoders, likelihoods)
        self.sizes = {slot: sizes[slot] for slot in self.slots}
        self.latent = latent
        self.prior = prior
        self.prior_weight = prior_weight
        self.surrogate_weight = surrogate_weight
        self.contrast = contrast
        self.shared_factor = _factor(latent, latent)
        self.own_factors = BySlot({slot: _factor(sizes[slot], latent) for slot in self.slots})
        count = len(self.slots)
        inferred = latent + sum(self.sizes.values())
        self.surrogate = mlp([count * (latent + 1), hidden, hidden, inferred], nn.ReLU)
        self.head = mlp([latent, latent, outputs], nn.ReLU) if outputs else None

    def extra_repr(self) -> str:
        """What is no layer."""
        return f"{self.prior}, {self.prior_weight}, {self.surrogate_weight}"

    def encode(self, batch: Mapping[str, Tensor]) -> Factors:
        """Codes and evidence of a complete batch."""
        shared = self._code(self.joint(batch))
        own, evidence = {}, []
        for slot in self.slots:
            found = self.encoders[slot](batch[slot])
            own[slot] = self._code(found[:, : -self.latent])
            evidence.append(found[:, -self.latent :])
        return Factors(shared, own, torch.stack(evidence, dim=1))

    def _code(self, found: Tensor) -> Gaussian:
        if self.prior == "mmd":
            return Gaussian(found, torch.zeros_like(found))
        mean, log_variance = found.chunk(2, dim=-1)
        return Gaussian(mean, bounded(log_variance))

    def infer(self, evidence: Tensor, subsets: Sequence[Sequence[str]]) -> dict[str, Tensor]:
        """``z_y^S`` (called "") and ``z_m^S`` (by slot) [S, B, size] of several subsets.

        Args:
            evidence: [B, streams, latent]; what a subset lacks is not looked at.
            subsets: Of the slots.
        """
        present = [[slot in subset for slot in self.slots] for subset in subsets]
        mask = torch.tensor(present, dtype=evidence.dtype, device=evidence.device)
        seen = (evidence * mask[:, None, :, None]).flatten(-2)
        told = mask[:, None, :].expand(-1, len(evidence), -1)
        found = self.surrogate(torch.cat([seen, told], dim=-1))
        parts = found.split([self.latent, *self.sizes.values()], dim=-1)
        return dict(zip(("", *self.sizes), parts, strict=True))

    def losses(
        self,
        batch: Mapping[str, Tensor],
        target: Tensor | None,
        *,
        generator: torch.Generator,
        progress: float,
    ) -> dict[str, Tensor]:
        """Generation, prior and surrogates; with a target its prediction too."""
        self.generation.check(batch)
        factors = self.encode(batch)
        codes = [factors.shared, *factors.own.values()]
        drawn = [code.mean if self.prior == "mmd" else sample(code, generator) for code in codes]
        shared = self.shared_factor(drawn[0])
        terms = {
            "reconstruction": self._generation(shared, drawn[1:], batch),
            "prior": self._prior(codes, generator),
            "surrogate": self._surrogates(factors, generator),
        }
        loss = terms["reconstruction"] + self.prior_weight * terms["prior"]
        loss = loss + self.surrogate_weight * terms["surrogate"]
        if target is not None and self.head is not None:
            terms["task"] = target_loss(self.head(shared), target)
            loss = loss + terms["task"]
        if self.contrast is not None:
            single = self.infer(factors.evidence, [(slot,) for slot in self.slots])[""]
            terms["contrastive"] = self.contrast(factors.shared.mean, list(single))
            loss = loss + self.contrast.weight * terms["contrastive"]
        return {"loss": loss, **terms}

    def _generation(
        self, shared: Tensor, own: Sequence[Tensor], batch: Mapping[str, Tensor]
    ) -> Tensor:
        """``sum_m w_m cost_m``: means over numbers under ``mmd``, sums under ``kl``."""
        found = shared.new_zeros(())
        for slot, code in zip(self.slots, own, strict=True):
            both = torch.cat([shared, self.own_factors[slot](code)], dim=-1)
            cost = -self.generation.weighted(slot, both, batch[slot]).mean()
            one = self.generation.likelihoods[slot].kind == "categorical" or self.prior == "kl"
            found = found + cost / (1 if one else batch[slot][0].numel())
        return found

    def _prior(self, codes: Sequence[Gaussian], generator: torch.Generator) -> Tensor:
        """The sum over codes of their distance from N(0, 1)."""
        if self.prior == "kl":
            return torch.stack([divergence_from_standard(code).mean() for code in codes]).sum()
        means = [code.mean for code in codes]
        return torch.stack(
            [maximum_mean_discrepancy(code, noise(code, generator)) for code in means]
        ).sum()

    def _surrogates(self, factors: Factors, generator: torch.Generator) -> Tensor:
        """The sum over subsets of the errors of what is inferred of them."""
        subsets = draw_proper_subsets(self.slots, _SUBSETS, generator)
        error = factors.evidence.new_zeros(())
        if not subsets:
            return error
        inferred = self.infer(factors.evidence, subsets)
        error = error + _errors(inferred[""], factors.shared.mean).sum()
        for slot, code in factors.own.items():
            lacking = [row for row, subset in enumerate(subsets) if slot not in subset]
            error = error + _errors(inferred[slot][lacking], code.mean).sum()
        return error

    def _shared(self, batch: Mapping[str, Tensor]) -> Tensor:
        """z_y [B, latent] of a complete batch, z_y^S of any other."""
        present = [slot for slot in self.slots if slot in batch]
        if len(present) == len(self.slots):
            return self._code(self.joint(batch)).mean
        some = batch[present[0]]
        lacking = some.new_zeros(len(some), self.latent)
        evidence = [
            self.encoders[slot](batch[slot])[:, -self.latent :] if slot in batch else lacking
            for slot in self.slots
        ]
        return self.infer(torch.stack(evidence, dim=1), [present])[""][0]

    def represent(self, batch: Mapping[str, Tensor]) -> Tensor:
        """z_y, inferred by the surrogate network where a stream is missing, [B, latent]."""
        return self._shared(batch)

    def predict(self, batch: Mapping[str, Tensor]) -> Tensor:
        """[B, outputs] of f_y."""
        if self.head is None:
            raise NotImplementedError("it was trained without a target")
        found: Tensor = self.head(self.shared_factor(self._shared(batch)))
        return found


def _factor(width: int, factor: int) -> nn.Sequential:
    """G: two layers with ReLU after both."""
    return nn.Sequential(mlp([width, factor, factor], nn.ReLU), nn.ReLU())


def _errors(inferred: Tensor, wanted: Tensor) -> Tensor:
    """Mean squared errors [S] of [S, B, size] against [B, size]."""
    return (inferred - wanted).pow(2).mean(dim=(1, 2))
