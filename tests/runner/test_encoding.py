from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from mmbench_faulty.representations import Faulty, Fused, LookedUp, Steady
from mmbench_faulty.world import pairs
from runner_bench import do_jobs, representation, task

from mmbench.api import Batch, ItemError, PluginError
from mmbench.runner.decoding import Loader
from mmbench.runner.encoding import Encoder, to_numpy
from mmbench.runner.housekeeping import verify
from mmbench.runner.keys import digest_rows
from mmbench.runner.matching import Group
from mmbench.runner.vectors import Space, VectorStore
from mmbench.runner.workshop import JobResult, Workshop

BINDING = {"left": "left", "right": "right"}


@pytest.fixture
def space(tmp_path) -> Space:
    return VectorStore(tmp_path).space("ab" * 16)


def encoder(representation, size: int = 4, precision: str = "fp32") -> tuple[Encoder, list]:
    said: list[tuple[int, int, str]] = []
    made = Encoder(
        representation, "mine", "global", size, lambda *each: said.append(each), precision
    )
    return made, said


def group_of(collection, slots: tuple[str, ...] = ("left",)) -> Group:
    digests, _ = digest_rows([collection.content_keys(slot) for slot in slots])
    return Group(slots, np.arange(len(collection)), digests)


def fill(space, representation, items: int = 10, *, size: int = 4, **fields):
    collection = pairs("test", items, seed=0, **fields)
    made, said = encoder(representation, size)
    done = made.fill(space, collection, BINDING, group_of(collection))
    return done, made, said


def stored(space: Space, items: int = 10, **fields) -> np.ndarray:
    collection = pairs("test", items, seed=0, **fields)
    again = Space(space.folder)
    again.refresh()
    places = again.find(group_of(collection).digests)
    return again.gather(places[places >= 0])


def values(items: int = 10) -> np.ndarray:
    collection = pairs("test", items, seed=0)
    return np.stack([collection.load(row, "left").values for row in range(items)])


def test_what_the_store_lacks_is_encoded_once(space) -> None:
    done, _, said = fill(space, Steady())
    assert (done.encoded, done.reused, done.dropped) == (10, 0, {})
    assert said[-1] == (10, 10, "test global")
    np.testing.assert_array_equal(stored(space), values())

    again, _, said = fill(space, Steady())
    assert (again.encoded, again.reused) == (0, 10)
    assert said == []

    more, _, _ = fill(space, Steady(), 13)
    assert (more.encoded, more.reused) == (3, 10)


@pytest.mark.parametrize("size", [1, 3, 10, 64])
def test_the_batch_size_changes_nothing(space, size) -> None:
    seen = []

    class Watched(Steady):
        def encode(self, batch: Batch) -> np.ndarray:
            seen.append(len(batch["left"]))
            return super().encode(batch)

    done, _, _ = fill(space, Watched(), size=size)

    assert done.encoded == 10
    assert max(seen) == min(size, 10)
    np.testing.assert_array_equal(stored(space), values())


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ("raise", r"encode\(\) raised KeyError: 'broken encode \[/red\] on purpose'"),
        ("shape", r"returned shape \(6,\) for a batch of 4; expected \[B, D\] with B = 4"),
        ("rows", r"returned shape \(3, 6\) for a batch of 4"),
        ("nan", r"NaN or infinite values for 1 of 4 items \(the first is row 3"),
        ("batch", "different vectors for one item alone and in a batch of 4"),
        ("ragged", r"vectors of shape \(\d,\) after some of shape \(\d,\)"),
        ("words", r"encode\(\) returned an array of dtype <U4"),
        ("never-memory", r"encode\(\) raised MemoryError: there is none"),
    ],
)
def test_a_broken_contract_is_said_and_names_the_representation(space, fault, what) -> None:
    with pytest.raises(PluginError, match=what) as caught:
        fill(space, Faulty(fault=fault))

    assert caught.value.where == "representation mine"
    good = stored(space)
    assert np.isfinite(good).all()
    assert len(good) < 10


@pytest.mark.parametrize("bad", [None, [[1.0], [2.0, 3.0]], "words", object()])
def test_what_is_no_array_is_said(space, bad) -> None:
    class Odd(Steady):
        def encode(self, batch: Batch) -> object:
            return bad

    with pytest.raises(PluginError, match=r"encode\(\)") as caught:
        fill(space, Odd())
    assert caught.value.where == "representation mine"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_no_value_that_is_not_finite_is_stored(space, value) -> None:
    class Odd(Steady):
        def encode(self, batch: Batch) -> np.ndarray:
            out = super().encode(batch)
            out[0, 2] = value
            return out

    with pytest.raises(PluginError, match="NaN or infinite"):
        fill(space, Odd())
    assert not len(stored(space))


def test_batches_before_a_failure_are_kept(space) -> None:
    class Tires(Steady):
        calls = 0

        def encode(self, batch: Batch) -> np.ndarray:
            self.calls += 1
            if self.calls == 4:  # the second call is the check of one item alone
                raise ValueError("tired")
            return super().encode(batch)

    with pytest.raises(PluginError, match="tired"):
        fill(space, Tires())

    np.testing.assert_array_equal(stored(space), values()[:8])
    done, _, _ = fill(space, Steady())
    assert (done.encoded, done.reused) == (2, 8)


@pytest.mark.parametrize("fault", ["memory", "cuda-memory"])
def test_batches_are_halved_until_they_fit(space, fault) -> None:
    done, made, _ = fill(space, Faulty(fault=fault), size=8)

    assert done.encoded == 10
    assert made.batch_size == 1
    np.testing.assert_array_equal(stored(space), values())


def test_another_runtime_error_is_no_lack_of_memory(space) -> None:
    class Odd(Steady):
        def encode(self, batch: Batch) -> np.ndarray:
            raise RuntimeError("shapes do not match")

    with pytest.raises(PluginError, match="RuntimeError: shapes do not match"):
        fill(space, Odd())


def test_the_batch_check_tells_noise_from_rounding(space) -> None:
    class Noisy(Steady):
        def __init__(self, level: float) -> None:
            super().__init__()
            self.level = level

        def encode(self, batch: Batch) -> np.ndarray:
            out = super().encode(batch)
            return out + np.float32(self.level * np.abs(out).max() * (len(out) > 1))

    with pytest.raises(PluginError, match="different vectors"):
        fill(space, Noisy(0.05))
    collection = pairs("test", 10, seed=0)
    half, _ = encoder(Noisy(0.01), precision="bf16")
    assert half.fill(space, collection, BINDING, group_of(collection)).encoded == 10


def test_items_that_cannot_be_decoded_are_dropped_and_named(space) -> None:
    done, _, _ = fill(space, Steady(), broken=("test-001", "test-009"))

    assert done.encoded == 8
    assert sorted(done.dropped) == ["test-001", "test-009"]
    assert "is corrupt" in done.dropped["test-001"]
    assert len(stored(space)) == 8


@pytest.mark.parametrize(
    ("said", "times", "ends_well"),
    [
        ("AST constructor recursion depth mismatch (before=45, after=42)", 3, True),
        ("AST constructor recursion depth mismatch (before=45, after=42)", 1000, False),
        ("error return without exception set", 1, False),
    ],
)
def test_what_python_gets_wrong_between_threads_is_tried_again(
    monkeypatch, said, times, ends_well
) -> None:
    collection, left = pairs("test", 1, seed=0), [times]
    load = type(collection).load

    def failing(self, row, stream):
        if left[0]:
            left[0] -= 1
            raise SystemError(said)
        return load(self, row, stream)

    monkeypatch.setattr(type(collection), "load", failing)
    if ends_well:
        assert Loader().load(collection, 0, "left").values.size
    else:
        with pytest.raises(SystemError, match=re.escape(said)):
            Loader().load(collection, 0, "left")


def test_items_that_share_a_broken_file_are_dropped_with_its_reason(space) -> None:
    collection = pairs("test", 10, seed=0, broken=("test-001", "test-006"))
    whole = group_of(collection)
    digests = whole.digests[[0, 1, 2, 3, 1, 5, 6, 7, 1, 9]]
    made, _ = encoder(Steady())
    done = made.fill(space, collection, BINDING, Group(whole.slots, whole.rows, digests))

    assert (done.encoded, sorted(done.dropped)) == (
        6,
        ["test-001", "test-004", "test-006", "test-008"],
    )
    assert done.dropped["test-004"] == done.dropped["test-008"] == done.dropped["test-001"]


@pytest.mark.parametrize("size", [1, 3, 64])
def test_items_that_the_representation_refuses_are_dropped_and_named(space, size) -> None:
    refused = values()[[2, 7]]

    class Choosy(Steady):
        def encode(self, batch: Batch) -> np.ndarray:
            for payload in batch["left"]:
                if (payload.values == refused).all(axis=1).any():
                    raise ItemError("is too short")
            return super().encode(batch)

    done, _, _ = fill(space, Choosy(), size=size)
    names = [pairs("test", 10, seed=0).ids[row] for row in (2, 7)]
    assert done.encoded == 8
    assert list(done.dropped) == names
    assert done.dropped[names[0]] == "mine refuses it: is too short"
    np.testing.assert_array_equal(stored(space), np.delete(values(), [2, 7], axis=0))


def test_a_representation_that_refuses_all_stores_nothing(space) -> None:
    class Refusing(Steady):
        def encode(self, batch: Batch) -> np.ndarray:
            raise ItemError("is too short")

    done, _, _ = fill(space, Refusing())
    assert (done.encoded, len(done.dropped)) == (0, 10)


def test_nothing_decodes(space) -> None:
    done, _, _ = fill(space, Steady(), 2, broken=("test-000", "test-001"))

    assert (done.encoded, len(done.dropped)) == (0, 2)


def test_vectors_that_exist_are_looked_up_and_unknown_ids_dropped(space) -> None:
    done, _, _ = fill(space, LookedUp(forgotten=("test-002",)))

    assert done.encoded == 9
    assert done.dropped == {"test-002": "mine has no vector for it"}
    assert len(stored(space)) == 9


def test_too_few_looked_up_vectors_are_refused(space, monkeypatch) -> None:
    def short(self, collection, ids, kind, slots):
        return np.zeros((len(ids) - 1, 2), np.float32), np.ones(len(ids), bool)

    monkeypatch.setattr(LookedUp, "lookup", short)
    with pytest.raises(PluginError, match=r"shape \(9, 2\) for a batch of 10"):
        fill(space, LookedUp())


def test_damage_is_mended_on_the_way(space) -> None:
    fill(space, Steady())
    (shard,) = [path for path in space.folder.glob("*.npy") if "keys" not in path.name]
    shard.write_bytes(shard.read_bytes()[:-8])

    done, _, _ = fill(Space(space.folder), Steady())

    assert done.encoded == 10
    np.testing.assert_array_equal(stored(space), values())
    assert not shard.exists()


class Exchanged:
    """Speaks DLPack and nothing else."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__()

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


class Tensor:
    """Like torch's: to be detached first."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def detach(self):
        return self

    float = cpu = detach

    def numpy(self) -> np.ndarray:
        return self.array


@pytest.mark.parametrize(
    "raw",
    [
        [[1, 2]], np.array([[1, 2]]), np.array([[1.0, 2.0]]), np.array([[1, 2]], np.float16),
        Exchanged(np.array([[1.0, 2.0]], np.float32)), Tensor(np.array([[1.0, 2.0]], np.float32)),
        np.array([[1.0, 9.0, 2.0]])[:, ::2],
    ],
    ids=["list", "int", "float64", "float16", "dlpack", "torch", "strided"],
)  # fmt: skip
def test_any_array_will_do(raw) -> None:
    got = to_numpy(raw)

    assert (got.dtype, got.tolist(), got.flags.c_contiguous) == (np.float32, [[1.0, 2.0]], True)


@pytest.mark.parametrize("raw", [[["a"]], [[1j]], np.array([[object()]])])
def test_what_holds_no_numbers_is_refused(raw) -> None:
    with pytest.raises(PluginError, match="expected floats"):
        to_numpy(raw)


# Through the workshop


def test_what_is_available_is_encoded_from_what_an_item_has(bench, settings) -> None:
    outcome, results = bench.do(None, [task("sparse"), task("sparse", "strict", partial="require")])

    available, strict = outcome.records.values()
    assert (available.items_used, available.items_total) == (12, 12)
    assert (strict.items_used, strict.items_total) == (6, 12)
    assert "lacks a stream" in strict.data[0].dropped[0].reason
    assert outcome.counters["encodes"] == 0  # of no engine: counted by the results
    assert sum(result.encoded for result in results.values()) == 12
    assert len(VectorStore(settings.cache).spaces()) == 3


def test_a_subset_is_fused_from_its_single_slots(bench) -> None:
    fused, results = bench.do([representation("fused")], [task("sparse")])
    steady, _ = bench.do([representation("steady")], [task("sparse")])

    assert sum(result.encoded for result in results.values()) > 0
    (one,), (two,) = fused.records.values(), steady.records.values()
    assert one.metrics["norm"].value == pytest.approx(two.metrics["norm"].value, rel=1e-6)


def test_single_slots_of_what_cannot_be_fused_are_not_encoded(bench, monkeypatch) -> None:
    """Parts of no rows come first: None of them is None of any."""
    asked = []

    def none(self, parts):
        asked.append({slot: part.shape for slot, part in parts.items()})

    monkeypatch.setattr(Fused, "fuse", none)
    monkeypatch.setattr(Fused, "encode", Steady.encode)
    refused, results = bench.do([representation("fused")], [task("sparse")])
    steady, _ = bench.do([representation("steady")], [task("sparse")])

    assert asked == [{"left": (0, 1), "right": (0, 1)}]
    # 12 items of one subset each, those of both sides once: as many as of what has no fuse.
    assert sum(result.encoded for result in results.values()) == 12
    (one,), (two,) = refused.records.values(), steady.records.values()
    assert one.metrics["norm"].value == two.metrics["norm"].value


def test_the_speed_is_of_what_was_timed(bench, monkeypatch) -> None:
    """A subset that was fused took no pass over the data: it has no speed of its own."""
    slept = 0.005
    monkeypatch.setattr(Fused, "encode", _slowly(Fused.encode, slept))
    fused, _ = bench.do([representation("fused")], [task("sparse")])
    (cost,) = (record.cost for record in fused.records.values())

    assert cost.items_per_second == pytest.approx(6 / cost.seconds["encode"], rel=1e-3)
    assert cost.items_per_second <= 1 / slept  # 6 of the 12 items have one side, and were timed


def _slowly(encode, seconds):
    def slow(self, batch):
        time.sleep(seconds * len(next(iter(batch.values()))))
        return encode(self, batch)

    return slow


def test_vectors_that_nobody_timed_have_no_speed(bench) -> None:
    outcome, _ = bench.do([representation("looked-up")])
    (record,) = outcome.records.values()

    assert record.cost.items_per_second is None


def test_the_device_is_the_one_that_the_vectors_were_made_on(bench, settings, registry) -> None:
    bench.do(None, [task("pairs")])
    running = bench.run(None, [task("pairs", "again")])
    shop = Workshop(registry, settings, "test", "cuda:7", lambda *_: None)
    results: dict[str, JobResult] = {}
    for job in running.plan().jobs.values():
        results[job.key] = shop.do(job, results)
    shop.catalog.hashes.close()
    (record,) = running.outcome().records.values()

    assert (record.cost.items_encoded, record.cost.items_reused) == (0, 24)
    assert record.cost.device == "cpu"


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is measured on Linux only")
def test_the_peak_is_each_cell_s_own(bench, monkeypatch) -> None:
    def hungry(self, batch):
        block = np.ones(2**25)  # 256 MiB, touched
        return steady(self, batch) + np.float32(block[0] - 1)

    steady = Steady.encode
    monkeypatch.setattr(Steady, "encode", hungry)
    first, _ = bench.do(None, [task("pairs")])
    monkeypatch.setattr(Steady, "encode", steady)
    second, _ = bench.do(None, [task("pairs", items=8)])

    (much,), (little,) = (
        [record.cost.peak_memory_mb for record in outcome.records.values()]
        for outcome in (first, second)
    )
    assert much - little > 200


def test_a_peak_that_cannot_be_measured_is_left_out(bench, monkeypatch) -> None:
    monkeypatch.setattr("mmbench.runner.memory._PROCESS", Path("/nowhere"))
    outcome, _ = bench.do()

    assert [record.cost.peak_memory_mb for record in outcome.records.values()] == [None]


def test_damage_that_nobody_needs_is_removed_too(bench, settings) -> None:
    """A plan that names a shard as damaged leaves none behind, whoever else has its vectors."""
    bench.do(None, [task("pairs", items=4)])
    first = set(settings.cache.glob("vectors/??/*/*.json"))
    bench.do(None, [task("pairs", items=8)])
    (extra, *_) = set(settings.cache.glob("vectors/??/*/*.json")) - first
    content = bytearray(extra.with_suffix(".npy").read_bytes())
    content[-1] ^= 1
    extra.with_suffix(".npy").write_bytes(content)

    running = bench.run(None, [task("pairs", "again", items=4)])
    assert any(extra.stem in line for line in running.plan().damage)
    do_jobs(running, bench.registry)

    assert not extra.exists()
    assert not verify(settings.cache)


def test_a_fusion_of_the_wrong_shape_is_refused(bench) -> None:
    with pytest.raises(PluginError, match=r"returned shape \(5, 6\) for a batch of 6"):
        bench.do([representation("fused", scale=-1.0)], [task("sparse")])
