from __future__ import annotations

import json
import os
import time


def _shards(cache):
    return sorted(p for p in cache.glob("vectors/??/*/*.npy") if not p.name.endswith(".keys.npy"))


def test_size_of_nothing(call, tmp_path):
    said = call("cache", "size", "--cache", tmp_path / "none")
    assert said.code == 0
    assert f"0.0 MB in 0 spaces of vectors and the rest, under {tmp_path / 'none'}" in said.out
    assert not (tmp_path / "none").exists()


def test_size_names_what_is_in_each_space(call, finished):
    said = call("cache", "size", "--cache", finished / "cache")
    lines = said.out.splitlines()
    assert any("random  global of image" in line for line in lines)
    assert any("cca-image-text  global of text" in line for line in lines)
    facts = json.loads(call("cache", "size", "--cache", finished / "cache", "--json").out)
    parts = [*facts["spaces"], *facts["others"].values()]
    assert facts["bytes"] == sum(part["bytes"] for part in parts)
    files = [path for path in (finished / "cache").rglob("*") if path.is_file()]
    assert facts["bytes"] == sum(path.stat().st_size for path in files)
    assert facts["others"]["trained states"]["count"] == 1
    assert facts["others"]["scoring inputs"]["count"] == 3
    assert any("scoring inputs (3)" in line for line in lines)
    assert len([line for line in lines if " items  " in line]) == len(facts["spaces"])
    items = [s["items"] for s in facts["spaces"] if s["about"]["representation"] == "random"]
    assert sorted(items) == [400, 400, 400]


def test_verify_a_whole_store(call, finished):
    said = call("cache", "verify", "--cache", finished / "cache")
    assert (said.code, said.out) == (0, "all shards are whole\n")


def test_verify_names_a_damaged_shard_and_removes_it(call, copied):
    cache = copied / "cache"
    shard = _shards(cache)[0]
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    said = call("cache", "verify", "--keep", "--cache", cache)
    assert said.code == 1
    assert (said.out + said.err).count(shard.stem) == 1
    facts = json.loads(call("cache", "verify", "--keep", "--json", "--cache", cache).out)
    assert [each["removed"] for each in facts["damaged"]] == [False]
    assert said.out.startswith(f"kept {shard.with_suffix('.json')}: ")
    assert shard.exists()
    said = call("cache", "verify", "--cache", cache)
    assert said.code == 0
    assert said.out.startswith(f"removed {shard.with_suffix('.json')}: ")
    assert "1 damaged shard" in said.out
    assert not shard.exists()
    assert call("cache", "verify", "--cache", cache).out == "all shards are whole\n"


def test_a_truncated_shard_is_computed_again_and_nothing_else(call, copied):
    cache = copied / "cache"
    shard = _shards(cache)[0]
    shard.write_bytes(shard.read_bytes()[:200])
    call("cache", "verify", "--cache", cache)
    run = ("run", copied / "small.toml", "--cache", cache, "--json", "--resamples", "200")
    said = call(*run, "--results", copied / "again", "--jobs", "1")
    assert said.code == 0
    counters = json.loads(said.out)["counters"]
    assert 0 < counters["encodes"] <= 1500
    assert counters["reused"] > 0


def test_prune_what_is_old(call, copied):
    cache = copied / "cache"
    spaces = [path.parent for path in cache.glob("vectors/??/*/space.json")]
    old = time.time() - 40 * 86400
    for path in spaces[0].iterdir():
        os.utime(path, (old, old))
    said = call("cache", "prune", "--older-than", "30", "--dry-run", "--cache", cache)
    rest = "0 trained states, 0 interactions, 0 scoring inputs,"
    assert said.out.startswith(f"would remove 1 space, {rest}")
    assert spaces[0].exists()
    said = call("cache", "prune", "--older-than", "30", "--cache", cache)
    assert said.out.startswith(f"removed 1 space, {rest}")
    assert [space.exists() for space in spaces] == [False] + [True] * (len(spaces) - 1)
    nothing = f"removed 0 spaces, {rest} 0 checkpoints: 0.0 MB\n"
    assert call("cache", "prune", "--cache", cache).out == nothing


def test_pruned_bundles_and_states_are_made_again(call, copied):
    cache = copied / "cache"
    said = call("cache", "prune", "--older-than", "0", "--json", "--cache", cache)
    facts = json.loads(said.out)
    assert (facts["spaces"], facts["states"], facts["bundles"]) == (5, 1, 3)
    assert facts["bytes"] > 100_000
    assert json.loads(call("cache", "size", "--json", "--cache", cache).out)["spaces"] == []
    said = call("score", copied / "results" / "small", "--cache", cache)
    assert said.code == 1
    run = ("run", copied / "small.toml", "--cache", cache, "--json", "--resamples", "200")
    said = call(*run, "--results", copied / "again", "--jobs", "1")
    assert (said.code, json.loads(said.out)["counters"]["fits"]) == (0, 1)
