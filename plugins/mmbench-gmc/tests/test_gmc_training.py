"""The trainer: repeatable, resumable to the bit, and it does what its schedule says."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch
from gmc_worlds import SMALL, collection, fit_data, fitted

from mmbench.api import Context, DataError, UsageError
from mmbench_gmc.examples import Examples
from mmbench_gmc.gmc import GMC
from mmbench_gmc.mult import MulT
from mmbench_gmc.mvae import MVAE
from mmbench_gmc.network import Network
from mmbench_gmc.nexus import Nexus
from mmbench_gmc.schedule import Schedule
from mmbench_gmc.threads import VARIABLE, own_threads
from mmbench_gmc.trainer import Training


class Line(Network):
    """A number that is drawn to the target, with noise from both generators."""

    def __init__(self, noise=0.0):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(3.0))
        self.noise = noise
        self.seen = []

    def losses(self, batch, target, *, generator, progress):
        self.seen.append((self.training, progress, batch["x"][:, 0].tolist()))
        drawn = torch.randn((), generator=generator) + torch.randn(())
        loss = ((self.weight - batch["x"]) ** 2).mean() + self.noise * drawn * self.weight
        return {"loss": loss, "drawn": drawn}


def items(values):
    return Examples({"x": np.asarray(values, np.float32)[:, None]})


def training(network=None, valid=None, ctx=None, values=range(10), **schedule):
    plan = Schedule(**{"epochs": 3, "batch": 4, **schedule})
    made = Training(
        network or Line(), items(values), valid, plan, ctx or Context(), key="k", save_seconds=0.0
    )
    made.run()
    return made


def states_agree(one, other):
    assert list(one.arrays) == list(other.arrays)
    for name, array in one.arrays.items():
        np.testing.assert_array_equal(array, other.arrays[name], err_msg=name)
    assert one.meta == other.meta


def test_every_item_is_seen_once_an_epoch_in_even_batches():
    made = training()
    rows = [sorted(x for batch in made.network.seen[k : k + 3] for x in batch[2]) for k in (0, 3)]
    assert rows == [list(range(10))] * 2
    assert [len(batch[2]) for batch in made.network.seen[:3]] == [4, 3, 3]
    assert made.network.seen[0][2] != made.network.seen[3][2]
    assert [seen[1] for seen in made.network.seen] == [step / 9 for step in range(9)]


@pytest.mark.parametrize(("count", "batch"), [(3, 2), (5, 2), (9, 4), (2, 64)])
def test_no_batch_has_a_single_item(count, batch):
    made = training(values=range(count), batch=batch, epochs=1)
    assert min(len(seen[2]) for seen in made.network.seen) >= 2


def test_a_number_of_steps_goes_before_epochs():
    made = training(steps=5)
    assert made.step == len(made.network.seen) == 5
    assert len(made.history) == 2


def test_the_same_seed_gives_the_same_bits_and_another_other_ones():
    one, again, other = (fitted(GMC(**SMALL), seed=seed).state() for seed in (1, 1, 2))
    states_agree(one, again)
    assert any(not np.array_equal(a, other.arrays[name]) for name, a in one.arrays.items())


class Stopped(Exception):  # noqa: N818 - it stands for a kill
    pass


@pytest.mark.parametrize("stop", [1, 8])
@pytest.mark.parametrize("model", [GMC, MulT, MVAE, Nexus])
def test_an_interrupted_training_ends_as_one_that_was_not(
    tmp_path, model, stop, caplog, monkeypatch
):
    options = {"epochs": 3, "batch": 8, "plateau": 1, "keep": "best", "clip": 0.5}
    options |= SMALL if model is GMC else {"dim": 10}
    if model is MulT:
        options["layers"] = 1

    def interrupt(done, _total, what):
        if what.startswith("epoch") and done == stop + 1:
            raise Stopped

    init = Training.__init__
    monkeypatch.setattr(
        Training, "__init__", lambda *a, **k: init(*a, **{**k, "save_seconds": 0.0})
    )
    data = fit_data(valid=collection(8, seed=3, name="valid"), target="value", kind="value")
    if model is MulT:
        data = two_sequences(data)
    with pytest.raises(Stopped):
        learnt(model(**options), data, checkpoint=tmp_path, progress=interrupt)
    with caplog.at_level(logging.INFO):
        resumed = learnt(model(**options), data, checkpoint=tmp_path)
    assert f"goes on with step {stop} of 12" in caplog.text
    states_agree(resumed.state(), learnt(model(**options), data).state())
    states_agree(learnt(model(**options), data, checkpoint=tmp_path).state(), resumed.state())


def learnt(model, data, **ctx):
    model.bind(list(data.train.collection.streams.values()))
    model.fit(data, Context(seed=4, **ctx))
    return model


def two_sequences(data):
    """The same words twice, for MulT."""
    from dataclasses import replace

    def doubled(part):
        items = part.collection
        words = items.streams["words"]
        streams = {n: replace(words, name=n, modality=n) for n in ("text", "audio")}
        payloads = dict.fromkeys(streams, items.payloads["words"])
        changed = replace(items, streams=streams, payloads=payloads)
        return replace(part, collection=changed, binding={n: n for n in streams})

    return replace(data, train=doubled(data.train), valid=doubled(data.valid))


@pytest.mark.parametrize("fault", ["another", "broken"])
def test_a_checkpoint_that_is_not_its_own_is_passed_over(tmp_path, fault):
    fitted(GMC(**SMALL), seed=6, checkpoint=tmp_path)
    path = tmp_path / "training.pt"
    if fault == "broken":
        path.write_bytes(path.read_bytes()[:300])
    found = fitted(GMC(**SMALL), seed=5, checkpoint=tmp_path)
    states_agree(found.state(), fitted(GMC(**SMALL), seed=5).state())


def test_progress_has_the_loss_terms(caplog):
    seen = []
    data = fit_data(target="label", kind="class")
    with caplog.at_level(logging.INFO):
        fitted(GMC(**SMALL), data, progress=lambda *each: seen.append(each))
    steps = [each for each in seen if each[2].startswith("epoch")]
    assert [each[:2] for each in steps] == [(step, 12) for step in range(1, 13)]
    assert steps[4][2].startswith("epoch 2: loss ")
    assert "contrast" in steps[4][2]
    assert "task" in steps[4][2]
    assert seen[0] == (0, 30, "reading train")
    assert "epoch 3: loss" in caplog.text


def test_validation_is_in_evaluation_mode_without_steps():
    made = training(valid=items([1.0, 2.0, 3.0]), keep="best", epochs=1)
    assert [seen[0] for seen in made.network.seen] == [True] * 3 + [False]
    assert made.network.seen[-1][1] == 1.0
    assert set(made.history[0]) == {"loss", "drawn", "valid/loss", "valid/drawn"}
    assert made.validate() == {
        name.removeprefix("valid/"): value
        for name, value in made.history[0].items()
        if name.startswith("valid/")
    }


def test_the_best_weights_are_kept_where_asked_for():
    options = {"valid": items([3.0, 3.0]), "learning_rate": 0.5, "epochs": 4}
    last, best = (training(keep=keep, **options) for keep in ("last", "best"))
    losses = [each["valid/loss"] for each in best.history]
    assert losses.index(min(losses)) == 0  # it moves away from 3
    found = best.validate()["loss"]
    assert found == pytest.approx(min(losses))
    assert abs(last.network.weight.item() - 3.0) > abs(best.network.weight.item() - 3.0)


def test_it_stops_early_where_nothing_falls():
    made = training(valid=items([3.0, 3.0]), learning_rate=0.5, epochs=50, early_stop=2)
    assert len(made.history) == 3
    assert made.step == 9


@pytest.mark.parametrize("schedule", [{}, {"keep": "best"}, {"early_stop": 2}])
def test_a_training_that_diverges_ends_and_says_what_to_do(schedule):
    # The first step goes so far that the square of the distance is no float32.
    with pytest.raises(DataError) as seen:
        training(learning_rate=1e25, **schedule)
    said = str(seen.value)
    assert "training diverged: the loss of step 2 of 9 is inf (learning_rate 1e+25, clip 0)" in said
    assert "lower learning_rate" in said


@pytest.mark.parametrize("keep", ["last", "best"])
def test_a_validation_loss_that_diverges_ends_what_it_decides(keep):
    beyond = items([1e30, 1e30])
    if keep == "last":
        assert training(valid=beyond, keep=keep).step == 9
        return
    with pytest.raises(DataError, match="the validation loss of step 3 of 9 is inf"):
        training(valid=beyond, keep=keep)


def test_the_rate_falls_on_a_plateau():
    made = training(valid=items([3.0, 3.0]), learning_rate=0.5, epochs=6, plateau=2)
    assert made.optimiser.param_groups[0]["lr"] == pytest.approx(0.05)
    assert training(epochs=6, learning_rate=0.5).optimiser.param_groups[0]["lr"] == 0.5


def test_gradients_are_clipped_to_their_norm():
    free, clipped = (Line() for _ in range(2))
    for network, clip in ((free, 0.0), (clipped, 0.125)):
        training(network, steps=1, values=[100.0] * 4, clip=clip)
    assert abs(free.weight.grad.item()) > 100
    assert abs(clipped.weight.grad.item()) == pytest.approx(0.125, rel=1e-4)


def test_draws_follow_the_step_and_leave_the_global_generator_alone():
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    one, other = training(Line(noise=1.0)), training(Line(noise=1.0), steps=4)
    assert torch.equal(before, torch.random.get_rng_state())
    assert one.history[0] == other.history[0]


def test_threads_are_an_option_of_the_process(monkeypatch):
    before = torch.get_num_threads()
    for given, wanted in ((None, 1), ("2", 2)):
        monkeypatch.delenv(VARIABLE, raising=False)
        if given:
            monkeypatch.setenv(VARIABLE, given)
        with own_threads("cpu"):
            assert torch.get_num_threads() == wanted
        assert torch.get_num_threads() == before
    monkeypatch.setenv(VARIABLE, "many")
    with pytest.raises(UsageError, match="MMBENCH_GMC_THREADS is 'many'"), own_threads("cpu"):
        pass


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"batch": 1}, "batch must be 2 or more, not 1"),
        ({"epochs": 0}, "epochs must be 1 or more, not 0"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0, not 0.0"),
        ({"clip": -1.0}, "clip must be 0 or more, not -1.0"),
        ({"dim": 0}, "dim must be 1 or more, not 0"),
        ({"temperature": 0.0}, "temperature must be above 0, not 0.0"),
        ({"head": (0,)}, "head must be 1 or more, not 0"),
    ],
)
def test_options_out_of_range_are_refused(wrong, said):
    with pytest.raises(UsageError, match=said):
        GMC(**wrong)
