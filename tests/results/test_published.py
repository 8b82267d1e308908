from __future__ import annotations

from datetime import date

import pytest
from record_samples import make_task

from mmbench.api.errors import PluginError
from mmbench.results.checks import check_values
from mmbench.results.published import published_record, read_figures
from mmbench.results.record import from_json, to_json

TEXT = """
checked = 2026-11-22

[[metric]]
name = "R@1, way not said"
description = "nobody knows"

[[figure]]
task = "numbers-retrieval"
model = "A Model"
representation = "a-model"
citation = "A. Author, table 1"
verified = true
metrics = { "R@1" = 0.5, "R@1, way not said" = 0.25, "median rank" = 3 }
options = { ties = "optimistic" }
items = 402
notes = ["as printed"]
"""


def made(text=TEXT, **fields):
    figures = read_figures(text, where="there")
    return published_record(figures.figures[0], make_task(**fields), figures, where="there")


def test_a_figure_becomes_a_record_of_the_schema():
    record = from_json(to_json(made()))
    assert (record.source, record.verified, record.status) == ("published", True, "ok")
    assert (record.representation.label, record.representation.name) == ("A Model", "a-model")
    assert record.representation.citation == "A. Author, table 1"
    assert {name: value.value for name, value in record.metrics.items()} == {
        "R@1": 0.5, "R@1, way not said": 0.25, "median rank": 3.0,
    }  # fmt: skip
    assert all(value.no_interval for value in record.metrics.values())
    assert record.metrics["median rank"].higher_is_better is False
    assert record.task.options == {"ties": "optimistic"}
    assert (record.items_used, record.items_total) == (402, 402)
    assert record.notes == ("as printed",)
    assert record.created.startswith(date(2026, 11, 22).isoformat())
    assert check_values(record.task, record.metrics, complete=False) == []


def test_a_metric_of_papers_alone_is_declared_once_and_used_where_it_has_a_value():
    extra = made().task.metrics[-1]
    assert (extra.name, extra.unit, extra.bounds) == ("R@1, way not said", "share", (0.0, 1.0))
    plain = made(TEXT.replace(', "R@1, way not said" = 0.25', ""))
    assert "R@1, way not said" not in {metric.name for metric in plain.task.metrics}


def test_its_key_is_the_same_for_another_value_and_another_for_all_else():
    key = made().key
    assert made(TEXT.replace("0.5,", "0.6,")).key == key
    assert made(TEXT.replace("optimistic", "expected")).key != key
    assert made(TEXT.replace('"A Model"', '"B"')).key != key
    assert made(TEXT.replace("table 1", "table 2")).key != key
    assert made(label="other").key != key


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("checked = 2026-11-22", "", "lacks the key 'checked'"),
        ("checked = 2026-11-22", "checked = 'today'", "'checked' must be a date"),
        ("model =", "modell =", "unknown key 'modell'"),
        ('model = "A Model"', "", "lacks the key 'model'"),
        ("verified = true", "verified = 1", "'verified' must be a bool"),
        ("items = 402", "items = true", "'items' must be a int"),
        ("0.5", '"a half"', "names to numbers"),
        ("{ ties", "{ ties ties", "is not valid TOML"),
        ('["as printed"]', "[1]", "list of texts"),
        ('"R@1" = 0.5', '"R@2" = 0.5', "has no metric 'R@2'"),
        ('description = "nobody knows"', "", "lacks the key 'description'"),
    ],
)
def test_what_is_wrong_is_named(old, new, said):
    assert old in TEXT
    with pytest.raises(PluginError, match=said) as caught:
        made(TEXT.replace(old, new, 1))
    assert "there" in caught.value.where
