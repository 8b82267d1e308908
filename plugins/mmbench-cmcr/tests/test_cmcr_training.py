"""Training: the step is the loss's, interruptions leave no trace, batches are even."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch
from cmcr_worlds import rn, unit

from mmbench.api import Context, UsageError
from mmbench_cmcr.completion import complete
from mmbench_cmcr.corpora import Rows
from mmbench_cmcr.head_training import _NOISE, _seed
from mmbench_cmcr.layouts import Layout
from mmbench_cmcr.losses import LossWeights, Quad, loss_terms
from mmbench_cmcr.training import Corpus, Recipe, Training, project_quad

COUNT, WIDTH = 50, 6


def rows(seed, *, dtype=np.float32):
    return Rows("rows", (unit(rn(seed, (COUNT, WIDTH))).astype(dtype),))


CORPUS = Corpus(rows(1), rows(2), rows(3, dtype=np.float16), rows(4))
RECIPE = Recipe(Layout(), WIDTH, epochs=3, batch=20)


def trained(recipe=RECIPE, corpus=CORPUS, **ctx):
    training = Training(corpus, recipe, Context(**ctx), key="k", save_seconds=0.0)
    training.run()
    return training


def weights_of(training):
    return {
        (space, name): value.numpy()
        for space, head in training.heads.items()
        for name, value in head.state_dict().items()
    }


def assert_same(one, other):
    assert one.history == other.history
    wanted = weights_of(other)
    for name, value in weights_of(one).items():
        np.testing.assert_array_equal(value, wanted[name], err_msg=str(name))


def test_training_repeats_itself_and_follows_the_seed():
    one, other = trained(seed=3), trained(seed=4)
    assert_same(one, trained(seed=3))
    assert one.history != other.history
    assert one.history[-1][0] < one.history[0][0]


@pytest.mark.parametrize("stop", [1, 3, 4, 6])
def test_an_interrupted_training_ends_as_one_that_was_not(tmp_path, stop, monkeypatch, caplog):
    def interrupt(done, _total, _what):
        if done == stop + 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(seed=5, checkpoint=tmp_path, progress=interrupt)
    with caplog.at_level(logging.INFO):
        resumed = trained(seed=5, checkpoint=tmp_path)
    assert f"goes on with step {stop} of 9" in caplog.text
    assert_same(resumed, trained(seed=5))
    assert_same(trained(seed=5, checkpoint=tmp_path), resumed)  # nothing is left to do


@pytest.mark.parametrize("fault", ["another", "broken"])
def test_a_checkpoint_that_is_not_its_own_is_passed_over(tmp_path, fault):
    trained(seed=6, checkpoint=tmp_path)
    path = tmp_path / "training.pt"
    if fault == "broken":
        path.write_bytes(path.read_bytes()[:300])
    training = Training(CORPUS, RECIPE, Context(seed=5, checkpoint=tmp_path), key="other")
    training.run()
    assert_same(training, trained(seed=5))


def test_progress_has_the_loss_terms(caplog):
    seen = []
    with caplog.at_level(logging.INFO):
        training = trained(progress=lambda *each: seen.append(each))
    assert [each[:2] for each in seen] == [(step, 9) for step in range(1, 10)]
    assert seen[3][2].startswith("epoch 2/3: loss ")
    assert "shared" in seen[3][2]
    assert "intra" in seen[3][2]
    assert len(training.history) == 3
    assert "epoch 3: loss" in caplog.text


def test_batches_are_even_and_none_is_lost():
    training = Training(CORPUS, RECIPE, Context(), key="k")
    batches = list(training._rest_of_epoch())
    assert [len(batch) for batch in batches] == [17, 17, 16]
    assert sorted(np.concatenate(batches)) == list(range(COUNT))
    training.step = 3
    assert not np.array_equal(batches[0], next(iter(training._rest_of_epoch())))


def test_a_step_is_the_loss_on_what_the_heads_make():
    training = Training(CORPUS, RECIPE, Context(seed=2), key="k")
    quad = training.gather(np.arange(20))
    copy = Training(CORPUS, RECIPE, Context(seed=2), key="k")
    seen = training.train_step(quad)
    generator = torch.Generator().manual_seed(_seed(2, _NOISE, 0))
    for head in copy.heads.values():
        head.train()
    noisy = [complete(x, variance=0.004, generator=generator) for x in quad]
    first, second = copy.heads["first"], copy.heads["second"]
    hats = [first(noisy[0]), first(noisy[1]), second(noisy[2]), second(noisy[3])]
    wanted = loss_terms(
        Quad(*(torch.nn.functional.normalize(x, dim=-1) for x in hats)), LossWeights()
    )
    torch.testing.assert_close(torch.stack(seen), torch.stack(wanted).detach())


def test_the_rate_falls_as_a_cosine():
    training = Training(CORPUS, RECIPE, Context(), key="k")
    rates = []
    for step in range(training.steps):
        training.step = step
        training.train_step(training.gather(np.arange(10)))
        rates.append(training.optimiser.param_groups[0]["lr"])
    np.testing.assert_allclose(rates, 0.5e-3 * (1 + np.cos(np.pi * np.arange(9) / 9)))


def test_a_frozen_space_is_left_as_it_is_but_for_the_noise():
    recipe = Recipe(Layout("ex-mcr", frozen=True), WIDTH, epochs=1, variance=0.0)
    training = trained(recipe)
    assert list(training.heads) == ["second"]
    quad = training.gather(np.arange(9))
    found = project_quad(training.heads, quad, variance=0.0, generator=torch.Generator())
    torch.testing.assert_close(found.first_shared, quad.first_shared)
    assert not torch.allclose(found.second_shared, quad.second_shared)


def test_a_leaf_without_memory_is_the_shared_vector():
    corpus = CORPUS._replace(first_leaf=None, second_leaf=None)
    quad = Training(corpus, RECIPE, Context(), key="k").gather(np.arange(5))
    assert torch.equal(quad.first_leaf, quad.first_shared)
    assert torch.equal(quad.second_leaf, quad.second_shared)


def test_half_precision_trains_too():
    assert np.isfinite(trained(dtype="bf16").history).all()


def test_one_item_is_too_few():
    one = Corpus(*(Rows("texts", (each.parts[0][:1],)) for each in CORPUS))
    with pytest.raises(UsageError, match="one item is too few"):
        Training(one, RECIPE, Context(), key="k")
