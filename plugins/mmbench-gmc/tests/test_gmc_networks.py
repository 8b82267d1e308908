"""Networks of MHD, CMU-MOSI, CMU-MOSEI and Pendulum: sizes, and the released code's forwards."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch
from gmc_oracles import agree, entries, fill, read_arrays, rn, tensors, uniform

from mmbench_gmc.gmc import GMC
from mmbench_gmc.inputs import Input
from mmbench_gmc.mult import MulT
from mmbench_gmc.targets import Target

MHD = (
    Input("image", "Array", (1, 28, 28), "image"),
    Input("sound", "Array", (1, 32, 128), "sound"),
    Input("trajectory", "Array", (200,), "trajectory"),
    Input("label", "Array", (10,), "label"),
)
MOSEI, MOSI = (
    tuple(
        Input(slot, "Sequence", (50, size), slot)
        for slot, size in zip(("text", "audio", "vision"), sizes, strict=True)
    )
    for sizes in ((300, 74, 35), (300, 5, 20))
)
PENDULUM = (
    Input("image", "Array", (2, 60, 60), "image"),
    Input("sound", "Array", (2, 3, 2), "sound"),
)
VALUE = Target("sentiment", "value")
SPOKEN = {"dim": 60, "common": 60, "head": (), "temperature": 0.3}
CASES = {
    "mhd": (GMC(), MHD, None, 2_884_224),
    "mosei": (GMC(**SPOKEN), MOSEI, VALUE, 1_411_081),
    "mosi": (GMC(**SPOKEN), MOSI, VALUE, 1_401_001),
    "pendulum": (GMC(dim=10, head=(128,), temperature=0.3), PENDULUM, None, 1_933_386),
    "mult-mosei": (MulT(), MOSEI, VALUE, 1_073_731),
    "mult-mosi": (MulT(), MOSI, VALUE, 1_071_211),
}


def parameters(network):
    return sum(each.numel() for each in network.parameters())


@pytest.mark.parametrize("name", CASES)
def test_parameters_are_the_papers(name):
    model, inputs, target, wanted = CASES[name]
    with torch.device("meta"):
        network = model.build(inputs, target)
    assert parameters(network) == wanted
    above = network.output if name.startswith("mult") else getattr(network, "predictor", None)
    assert model.count(inputs) == wanted - (0 if above is None else parameters(above))


def gmc_order(network, trunks, *, joint=()):
    """Names of the state in the order of the released code: encoders, joint, head."""
    names = []
    for number in range(trunks):
        names += entries(network, f"encoders.{number}")
    names += [name for prefix in joint for name in entries(network, prefix)]
    return names + entries(network, "head")


def check_vectors(network, batch, oracle):
    """Base features, vectors of single streams and of all."""
    for number, (slot, values) in enumerate(batch.items()):
        agree(network.encoders[number](values), oracle[f"h{number}"])
        agree(network.represent({slot: values}), oracle[f"z{number}"])
    agree(network.joint(batch), oracle["h_joint"])
    agree(network.represent(batch), oracle["z_joint"])


def test_mhd_forward():
    network = CASES["mhd"][0].build(MHD, None)
    order = gmc_order(network, 4, joint=["joint.trunks", "joint.projector"])
    fill(network, order, 1000)
    label = np.eye(10)[np.random.RandomState(305).randint(0, 10, 4)]
    batch = tensors(
        {
            "image": uniform(301, (4, 1, 28, 28)),
            "sound": rn(302, (4, 1, 32, 128)),
            "trajectory": rn(303, (4, 200)),
            "label": label,
        }
    )
    oracle = read_arrays("gmc_mhd_forward.npz")
    with torch.no_grad():
        check_vectors(network, batch, oracle)
        two = {slot: batch[slot] for slot in ("image", "sound")}
        agree(network.represent(two), oracle["encode_0_1"])


def test_pendulum_forward():
    network = CASES["pendulum"][0].build(PENDULUM, None)
    order = gmc_order(network, 2, joint=["joint.trunks", "joint.projector"])
    fill(network, order, 5000)
    batch = tensors({"image": uniform(321, (4, 2, 60, 60)) > 0.9, "sound": rn(322, (4, 2, 3, 2))})
    oracle = read_arrays("gmc_pendulum_forward.npz")
    with torch.no_grad():
        check_vectors(network, batch, oracle)
        agree(network.represent({"image": batch["image"]}), oracle["encode_0_1"])


def layers(network, prefix):
    """Names of one transformer in the order of the released code."""
    names = []
    for number in range(len(network.get_submodule(prefix).layers)):
        layer = f"{prefix}.layers.{number}"
        parts = ["attention", "first", "second", "norms"]
        names += [name for part in parts for name in entries(network, f"{layer}.{part}")]
    return names + entries(network, f"{prefix}.norm")


def spoken(sizes, first):
    return tensors(
        {
            slot: rn(first + number, (4, 50, size))
            for number, (slot, size) in enumerate(
                zip(("text", "audio", "vision"), sizes, strict=True)
            )
        }
    )


def test_mosei_forward():
    network = CASES["mosei"][0].build(MOSEI, VALUE)
    order = [name for number in range(3) for name in entries(network, f"encoders.{number}")]
    for number in range(3):  # by target: its projection, its pairs, its memory
        order += entries(network, f"joint.body.projections.{number}")
        for pair in (2 * number, 2 * number + 1):
            order += layers(network, f"joint.body.pairs.{pair}")
        order += layers(network, f"joint.body.memories.{number}")
    order += [n for p in ("joint.residual", "joint.projector", "head") for n in entries(network, p)]
    fill(network, order + entries(network, "predictor"), 2000)
    batch = spoken((300, 74, 35), 311)
    oracle = read_arrays("gmc_mosei_forward.npz")
    with torch.no_grad():
        check_vectors(network, batch, oracle)
        agree(network.predict(batch), oracle["pred_complete"])
        for number, slot in enumerate(batch):
            agree(network.predict({slot: batch[slot]}), oracle[f"pred_only{number}"])
        two = {slot: batch[slot] for slot in ("text", "audio")}
        agree(network.predict(two), oracle["pred_0_1"])


def test_mult_forward_also_with_padding():
    network = CASES["mult-mosei"][0].build(MOSEI, VALUE)
    order = entries(network, "body.projections")
    order += [name for pair in range(6) for name in layers(network, f"body.pairs.{pair}")]
    order += [name for one in range(3) for name in layers(network, f"body.memories.{one}")]
    order += [name for part in ("residual", "output") for name in entries(network, part)]
    fill(network, order, 4000)
    batch = spoken((300, 74, 35), 411)
    oracle = read_arrays("mult_mosei_forward.npz")
    with torch.no_grad():
        agree(network.represent(batch), oracle["last_hs"])
        agree(network.predict(batch), oracle["out"])
        padded = {slot: values.clone() for slot, values in batch.items()}
        for values in padded.values():
            values[:, :20] = 0.0
        agree(network.represent(padded), oracle["last_hs_padded"])
        agree(network.predict(padded), oracle["out_padded"])


def test_a_missing_sequence_is_padding_to_mult():
    network = CASES["mult-mosei"][0].build(MOSEI, VALUE).eval()
    batch = spoken((300, 74, 35), 411)
    zeros = {**batch, "audio": torch.zeros_like(batch["audio"])}
    with torch.no_grad():
        found = network.represent({slot: batch[slot] for slot in ("text", "vision")})
        assert torch.equal(found, network.represent(zeros))
        assert not torch.allclose(found, network.represent(batch))


def test_the_mean_of_several_streams_is_shorter_unless_renormalised():
    batch = tensors({"image": uniform(1, (3, 2, 60, 60)), "sound": rn(2, (3, 2, 3, 2))})
    three = (*PENDULUM, Input("more", "Array", (4,)))
    for renormalise in (False, True):
        network = GMC(dim=10, head=(), renormalise=renormalise).build(three, None).eval()
        with torch.no_grad():
            lengths = network.represent(batch).norm(dim=1).numpy()
        assert np.allclose(lengths, 1.0) == renormalise


@pytest.mark.parametrize("gmc_weight", [0.0, 0.5])
def test_mult_adds_the_contrast_by_its_weight(gmc_weight):
    torch.manual_seed(0)
    network = MulT(gmc_weight=gmc_weight).build(MOSI, VALUE).eval()
    batch = spoken((300, 5, 20), 314)
    target = torch.tensor([0.5, -1.0, 2.0, 0.0])
    with torch.no_grad():
        terms = network.losses(batch, target, generator=torch.Generator(), progress=0.0)
        task = (network.predict(batch)[:, 0] - target).abs().mean()
    assert MulT(gmc_weight=gmc_weight).count(MOSI) == parameters(network) - 181
    if not gmc_weight:
        assert list(terms) == ["loss"]
        assert terms["loss"].item() == pytest.approx(task.item(), rel=1e-6)
    else:
        wanted = task + gmc_weight * terms["contrast"]
        assert terms["loss"].item() == pytest.approx(wanted.item(), rel=1e-6)
        assert terms["contrast"] > 0


def test_every_order_of_streams_is_a_mean():
    network = CASES["mhd"][0].build(MHD, None).eval()
    batch = tensors({form.slot: rn(number, (2, *form.shape)) for number, form in enumerate(MHD)})
    with torch.no_grad():
        single = {slot: network.represent({slot: batch[slot]}) for slot in batch}
        for subset in combinations(batch, 3):
            wanted = sum(single[slot] for slot in subset) / 3
            turned = {slot: batch[slot] for slot in reversed(subset)}
            torch.testing.assert_close(network.represent(turned), wanted)
