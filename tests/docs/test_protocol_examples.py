"""The page on protocols: its examples run and score, and what it says of options is true."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal, get_origin

import numpy as np
import pytest

from mmbench.api import DataSource, FitSpec, ItemTable, ScoreInputs
from mmbench.builtin.numbers.dataset import Numbers
from mmbench.options import declared_options, resolve_options
from mmbench.results.checks import check_values
from mmbench.results.summary import evaluate_metrics

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "protocols.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE))
EXAMPLE = re.compile(r'^```python title="(\w+)\.py"\n(.*?)^```$', re.DOTALL | re.MULTILINE)
EXAMPLES = {
    match[1]: (title, match[2])
    for title, text in SECTIONS.items()
    for match in EXAMPLE.finditer(text)
}


class OnlyNumbers:
    """The dataset that the examples open."""

    def open(self, name, **options):
        assert (name, options) == ("numbers", {})
        return Numbers().collections(DataSource(Path(), hash_file=str))


class EverythingOffered:
    def offered(self, collection, streams, kind):
        return True

    def streams(self, collection):
        raise NotImplementedError


@pytest.fixture(scope="module", params=sorted(EXAMPLES))
def example(request):
    """A section's name and text, its task, and the task's collections."""
    title, code = EXAMPLES[request.param]
    namespace = {"__name__": request.param}
    exec(compile(code, f"{request.param}.py", "exec"), namespace)
    spec = namespace["SPEC"]
    module, _, name = spec.path.partition(":")
    assert module == f"my_plugin.{request.param}"
    cls = namespace[name]
    task = cls(**resolve_options(cls, spec.options, {}, where=spec.name))
    assert (task.info.name, task.info.protocol) == (spec.name, spec.protocol)
    return title, task, task.collections(OnlyNumbers())


def inputs_of(task, collections, level, seed=0):
    tables = {key: ItemTable(each.ids, each.columns) for key, each in collections.items()}
    bare = ScoreInputs({}, tables)
    arrays = task.reference_arrays(level, bare, np.random.default_rng(seed))
    return ScoreInputs(arrays, tables)


def test_every_protocol_has_an_example():
    assert len(EXAMPLES) == 7
    assert len({title for title, _ in EXAMPLES.values()}) == 7


def test_it_asks_for_what_its_collections_have(example):
    _, task, collections = example
    requests = task.requests(EverythingOffered())
    assert requests
    for request in requests:
        assert set(request.streams) <= set(collections[request.collection].streams)
    fit = task.fit_spec()
    if fit is not None:
        assert isinstance(fit, FitSpec)
        assert {fit.train, fit.valid} - {None} <= set(collections)
    for collection in collections.values():
        for stream in collection.streams:
            assert type(collection.load(0, stream)).__name__ == collection.streams[stream].kind


def test_its_perfect_arrays_reach_the_ceiling_and_unrelated_ones_do_not(example):
    _, task, collections = example
    perfect, random = (inputs_of(task, collections, level) for level in ("perfect", "random"))
    requested = {request.name for request in task.requests(EverythingOffered())}
    assert set(perfect.arrays) == requested
    values = evaluate_metrics(task.info, task.score(perfect), resamples=2)
    assert list(values) == [metric.name for metric in task.info.metrics]
    assert check_values(task.info, values) == []
    primary = task.info.metric(task.info.primary)
    reached = values[primary.name].value
    ceiling = task.reference_levels(perfect).get("ceiling", {})
    # DCA has no closed ceiling, and so states none: one cloud reaches about 0.75.
    best = ceiling.get(primary.name, reached if task.info.protocol == "dca" else 1.0)
    assert reached == pytest.approx(best, abs=0.005)
    other = evaluate_metrics(task.info, task.score(random), resamples=2)[primary.name].value
    assert other < best if primary.higher_is_better else other > best


def test_constant_arrays_are_refused(example):
    _, task, collections = example
    with pytest.raises(ValueError, match=r"constant|same|alike|equal"):
        task.score(inputs_of(task, collections, "constant"))


def test_the_page_names_its_reference_levels_and_columns(example):
    title, task, collections = example
    text = SECTIONS[title]
    levels = task.reference_levels(inputs_of(task, collections, "random"))
    assert [level for level in levels if f"`{level}`" not in text] == []
    keys = {key for key in collections if not key.startswith("test/")} - {"train", "valid"}
    assert [key for key in keys if f'"{key}"' not in text] == []


def test_every_variant_of_the_page_is_taken_and_every_named_value_has_a_source(example):
    title, task, _ = example
    sources = SECTIONS[title].partition("Where the variants come from:")[2].partition("\n\n|")[2]
    rows = [line for line in sources.partition("\n\n")[0].splitlines() if "=" in line]
    said = {pair for row in rows for pair in re.findall(r"`(\w+=[^`]+)`", row.split(" | ")[0])}
    for pair in said:
        option, _, value = pair.partition("=")
        given = {"true": True, "false": False}.get(value, value)
        context = {"relevance": "class"} if pair == "own_pair=false" else {}
        context |= {"prediction": "boxes"} if given in {"boxes", "turn", "cmcr"} else {}
        type(task)(**resolve_options(type(task), {}, {**context, option: given}, where=title))
    named = {
        f"{name}={str(value).lower() if isinstance(value, bool) else value}"
        for name, option in declared_options(type(task)).items()
        for value in _values(option)
    }
    assert named - said == set(), "without a source"


def _values(option):
    if get_origin(option.hint) is Literal:
        return option.hint.__args__
    return (True, False) if option.hint is bool else ()


def test_what_a_subclass_gives_is_said(monkeypatch):
    monkeypatch.syspath_prepend(os.fspath(DOCS))
    import make_tables

    assert len(make_tables.PROTOCOLS) == len(EXAMPLES)
    for name in make_tables.PROTOCOLS:
        cls = make_tables.protocol(name)
        for attribute in ("name", "version", "description", "citation"):
            assert isinstance(getattr(cls, attribute), str)
        (method,) = cls.__abstractmethods__ or {"sources"}
        assert f"`{cls.__module__}.{cls.__name__}`; give `{method}`" in PAGE
