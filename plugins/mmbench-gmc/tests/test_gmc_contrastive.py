"""GMC's term as an add-on: every rival's loss grows by exactly its weight times the contrast."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from generative_cases import apply, generator
from hierarchy_cases import np_layers

from mmbench_gmc.inputs import Input
from mmbench_gmc.mfm import MFM
from mmbench_gmc.mmvae import MMVAE
from mmbench_gmc.mult import MulT
from mmbench_gmc.muse import MUSE
from mmbench_gmc.mvae import MVAE
from mmbench_gmc.nexus import Nexus
from mmbench_gmc.targets import Target

STREAMS = (
    Input("features", "Array", (5,), "features"),
    Input("motion", "Sequence", (4, 3), "motion"),
    Input("label", "Array", (3,), "label"),
)
SEQUENCES = (Input("text", "Sequence", (4, 3), "text"), Input("audio", "Sequence", (5, 2), "audio"))
VALUE = Target("mood", "value")
GMC_TERM = {"gmc_weight": 0.3, "gmc_temperature": 0.2}


def two_items(inputs):
    """Two items, float64; labels are one-hot."""
    rng = np.random.default_rng(3)
    batch = {form.slot: torch.from_numpy(rng.normal(size=(2, *form.shape))) for form in inputs}
    if "label" in batch:
        batch["label"] = torch.eye(3, dtype=torch.float64)[[2, 0]]
    return batch


def built(model, inputs, target, **options):
    """A network and its terms on two items, float64, in evaluation mode."""
    torch.manual_seed(5)
    network = model(**options).build(inputs, target).double().eval()
    wanted = None if target is None else torch.tensor([0.5, -1.0], dtype=torch.float64)
    return network, lambda batch: network.losses(
        batch, wanted, generator=generator(1), progress=1.0
    )


def by_hand(project, network, batch, temperature):
    """NT-Xent of each stream's projected representation against that of all, in numpy."""

    def rows(slots):
        with torch.no_grad():
            found = network.represent({slot: batch[slot] for slot in slots}).numpy()
        projected = project(found)
        return projected / np.linalg.norm(projected, axis=1, keepdims=True)

    total, joint = 0.0, rows(list(batch))
    for slot in batch:
        both = np.vstack([joint, rows([slot])])
        similar = np.exp(both @ both.T / temperature)
        for row in range(4):
            others = similar[row].sum() - similar[row, row]
            total -= np.log(similar[row, (row + 2) % 4] / others) / 4
    return total


@pytest.mark.parametrize("model", [MVAE, MMVAE, Nexus, MUSE, MFM])
def test_the_term_is_added_with_its_weight(model) -> None:
    batch = two_items(STREAMS)
    network, terms = built(model, STREAMS, None, dim=4, **GMC_TERM)
    plain, plain_terms = built(model, STREAMS, None, dim=4)
    assert not any("contrast" in name for name in plain.state_dict())
    plain.load_state_dict(
        {n: value for n, value in network.state_dict().items() if not n.startswith("contrast")}
    )
    with torch.no_grad():
        found, without = terms(batch), plain_terms(batch)
    head = network.contrast.head
    contrast = by_hand(lambda rows: np_layers(head, rows, "silu"), network, batch, 0.2)
    assert contrast > 0.01
    assert float(found["contrastive"]) == pytest.approx(contrast, abs=1e-9)
    assert float(found["loss"] - without["loss"]) == pytest.approx(0.3 * contrast, abs=1e-9)
    assert "contrastive" not in without


def test_mult_has_the_term_too() -> None:
    options = {"dim": 4, "heads": 2, "layers": 1}
    batch = two_items(SEQUENCES)
    network, terms = built(MulT, SEQUENCES, VALUE, **options, **GMC_TERM)
    plain, plain_terms = built(MulT, SEQUENCES, VALUE, **options)
    assert not any(name.startswith("head") for name in plain.state_dict())
    plain.load_state_dict(
        {n: value for n, value in network.state_dict().items() if not n.startswith("head")}
    )
    with torch.no_grad():
        found, without = terms(batch), plain_terms(batch)
    contrast = by_hand(lambda rows: apply(network.head, rows), network, batch, 0.2)
    assert float(found["contrast"]) == pytest.approx(contrast, abs=1e-9)
    assert float(found["loss"] - without["loss"]) == pytest.approx(0.3 * contrast, abs=1e-9)
