"""The rivals as representations: sizes, options, decoders of every kind, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mmbench.api import Stream, UsageError
from mmbench_gmc.decoders import build_decoder
from mmbench_gmc.inputs import Input
from mmbench_gmc.mfm import MFM
from mmbench_gmc.mmvae import MMVAE
from mmbench_gmc.muse import MUSE
from mmbench_gmc.mvae import MVAE
from mmbench_gmc.nexus import Nexus
from mmbench_gmc.sizes import decoder
from mmbench_gmc.targets import Target

MHD = (
    Input("image", "Array", (1, 28, 28), "image"),
    Input("sound", "Array", (1, 32, 128), "audio"),
    Input("trajectory", "Array", (200,), "trajectory"),
    Input("label", "Array", (10,), "label"),
)
EVERY_KIND = (
    Input("image", "Image", (3, 30, 22), "image"),
    Input("audio", "Audio", (1, 33, 64), "audio"),
    Input("text", "Text", (512,), "text"),
    Input("trajectory", "Sequence", (7, 3), "trajectory"),
    Input("pointcloud", "PointCloud", (256, 3), "pointcloud"),
    Input("features", "Array", (12,), "features"),
    Input("maps", "Array", (2, 9, 15), "maps"),
    Input("grid", "Array", (2, 3, 2), "grid"),
)
MODELS = (MVAE, MMVAE, Nexus, MUSE, MFM)


def parameters(network) -> int:
    return sum(each.numel() for each in network.parameters() if each.requires_grad)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("inputs", [MHD, EVERY_KIND, MHD[:1]])
@pytest.mark.parametrize("family", ["auto", "generic"])
def test_parameters_are_counted_without_building(model, inputs, family) -> None:
    for options in ({}, {"gmc_weight": 0.5, "dim": 9}):
        found = model(encoders=family, **options)
        with torch.device("meta"):
            built = parameters(found.build(inputs, None))
        assert found.count(inputs) == built


@pytest.mark.parametrize(
    ("model", "options"),
    [(MMVAE, {"learn_prior": True}), (MFM, {"prior": "kl"}), (Nexus, {"layers": 0}),
     (MUSE, {"sizes": {"image": 3}, "hidden": 20, "layers": 1})],
)  # fmt: skip
def test_options_that_change_the_sizes_are_counted(model, options) -> None:
    found = model(**options)
    with torch.device("meta"):
        assert found.count(MHD) == parameters(found.build(MHD, None))


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (MVAE, 3_129_044),
        (MMVAE, 3_129_044),
        (Nexus, 6_492_393),
        (MUSE, 8_265_321),
        (MFM, 5_321_072),
    ],
)
def test_parameters_on_mhd(model, expected) -> None:
    assert model().count(MHD) == expected


@pytest.mark.parametrize("form", [*MHD, *EVERY_KIND], ids=lambda form: f"{form.slot}{form.shape}")
def test_decoders_give_their_streams_shape(form) -> None:
    found = build_decoder(form, 5)
    assert found(torch.randn(3, 5)).shape == (3, *form.shape)
    assert parameters(found) == decoder(form, 5, "auto")


@pytest.mark.parametrize("form", [MHD[1], EVERY_KIND[1]])
def test_decoders_depend_on_no_other_item(form) -> None:
    found = build_decoder(form, 5).train()
    codes = torch.randn(4, 5)
    with torch.no_grad():
        torch.testing.assert_close(found(codes)[:1], found(codes[:1]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_every_subset_of_every_kind_is_represented(model) -> None:
    torch.manual_seed(0)
    network = model(dim=6).build(EVERY_KIND[:4], None).eval()
    rng = np.random.default_rng(0)
    batch = {
        form.slot: torch.from_numpy(rng.uniform(size=(3, *form.shape)).astype(np.float32))
        for form in EVERY_KIND[:4]
    }
    with torch.no_grad():
        for number in range(1, 16):
            slots = [form.slot for row, form in enumerate(EVERY_KIND[:4]) if number >> row & 1]
            some = {slot: batch[slot] for slot in slots}
            found = network.represent(some)
            assert found.shape == (3, 6)
            assert bool(torch.isfinite(found).all())
            backwards = {slot: batch[slot] for slot in reversed(slots)}
            assert torch.equal(found, network.represent(backwards))


def test_mmvae_fuses_to_what_it_represents() -> None:
    torch.manual_seed(0)
    model = MMVAE(dim=6)
    network = model.build(MHD, None).eval()
    batch = {form.slot: torch.rand(3, *form.shape) for form in MHD}
    with torch.no_grad():
        parts = {slot: network.represent({slot: batch[slot]}).numpy() for slot in batch}
        whole = network.represent(batch).numpy()
    np.testing.assert_allclose(model.fuse(parts), whole, rtol=1e-5, atol=1e-6)


def test_mfm_predicts_a_target() -> None:
    torch.manual_seed(0)
    model = MFM(dim=6)
    network = model.build(MHD, Target("digit", "class", tuple("abc"))).eval()
    batch = {form.slot: torch.rand(3, *form.shape) for form in MHD}
    assert network.predict(batch).shape == (3, 3)
    assert network.predict({"sound": batch["sound"]}).shape == (3, 3)
    assert parameters(network) > model.count(MHD)


@pytest.mark.parametrize(
    ("model", "options", "said"),
    [
        (MVAE, {"random_subsets": -1}, "random_subsets must be 0 or more"),
        (MVAE, {"beta": -1.0}, "beta must be 0 or more"),
        (MVAE, {"gmc_weight": -1.0}, "gmc_weight must be 0 or more"),
        (MVAE, {"gmc_temperature": 0.0}, "gmc_temperature must be above 0"),
        (MVAE, {"weights": {"image": -1.0}}, "0 is the least of weights"),
        (MMVAE, {"samples": 0}, "samples must be 1 or more"),
        (MMVAE, {"gradient": "dreg"}, "dreg is one of importance-weighted bounds"),
        (Nexus, {"sizes": {"image": 0}}, "1 is the least of sizes"),
        (Nexus, {"gammas": {"image": float("nan")}}, "0 is the least of gammas"),
        (Nexus, {"hidden": 0}, "hidden must be 1 or more"),
        (Nexus, {"drop_rate": -0.1}, "drop_rate must be 0 or more"),
        (Nexus, {"drop_rate": 1.1}, "drop_rate must be 1 or less"),
        (MUSE, {"delta": -1.0}, "delta must be 0 or more"),
        (MFM, {"prior_weight": -1.0}, "prior_weight must be 0 or more"),
        (MFM, {"dim": 0}, "dim must be 1 or more"),
    ],
)
def test_bad_options_are_misuse(model, options, said) -> None:
    with pytest.raises(UsageError, match=said):
        model(**options)


@pytest.mark.parametrize("model", MODELS)
def test_a_slot_that_is_none_is_found_before_anything_is_trained(model) -> None:
    streams = [Stream("image", "image", "Array", (1, 8, 8)), Stream("sound", "sound", "Audio")]
    for option in model.slot_options:
        given = {"images": "gaussian" if option == "likelihoods" else 4}
        with pytest.raises(UsageError) as seen:
            model(**{option: given}).bind(streams)
        assert str(seen.value) == (
            f"{model.name}, option {option}: no slot is called 'images'\n"
            "  the slots are image, sound"
        )
    with pytest.raises(UsageError, match="'poisson' of slot 'image' is no likelihood"):
        model(likelihoods={"image": "poisson"})


def test_every_option_of_slots_is_looked_at() -> None:
    assert MVAE.slot_options == MMVAE.slot_options == ("likelihoods", "weights")
    assert MFM.slot_options == ("likelihoods", "weights", "sizes")
    assert Nexus.slot_options == MUSE.slot_options == (*MFM.slot_options, "gammas")


@pytest.mark.parametrize(
    ("model", "options"),
    [(MVAE, {"weights": {"images": 1.0}}), (MVAE, {"likelihoods": {"images": "gaussian"}}),
     (Nexus, {"sizes": {"images": 4}}), (MUSE, {"gammas": {"images": 4.0}}),
     (MFM, {"sizes": {"images": 4}})],
)  # fmt: skip
def test_a_slot_that_is_none_is_named_with_those_there_are(model, options) -> None:
    with pytest.raises(UsageError, match=r"no slot is called 'images'(.|\n)*image, sound"):
        model(**options).build(MHD, None)
