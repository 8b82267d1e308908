"""Tasks whose scores are not those of their items, in one way each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from mutants_task_metrics import Columns, More, Told
from sound_task import SAID, Sound

from mmbench.api import MetricInfo


class SortedIds(Told):
    """Scores stand under the sorted ids, in the order of the collection."""

    def told(self, found, truth):
        table = found.tables["items"]
        return replace(found, tables={"items": replace(table, ids=sorted(table.ids))})


class Abstaining(More):
    """It leaves out what it is unsure of."""

    def changed(self, columns):
        return {**columns, "more": np.where(columns["rank"] > 2, np.nan, columns["top2"])}


class SomeLeftOut(More):
    """It leaves out the flutes, whatever the vectors, which is allowed."""

    def evaluation(self, table, truth, ranks):
        found = super().evaluation(table, truth, ranks)
        columns = found.tables["items"].columns
        flutes = np.array(table["label"]) == "flute"
        columns["more"] = np.where(flutes, np.nan, columns["top2"])
        return found

    def changed(self, columns):
        return {**columns, "more": columns["top2"]}


class ErrorsPraised(More):
    more = MetricInfo("more", ("more",), description=SAID)

    def changed(self, columns):
        return {**columns, "more": 1 - columns["top2"]}


class ErrorsUndirected(ErrorsPraised):
    more = MetricInfo("more", ("more",), higher_is_better=None, description=SAID)


class Partners(Sound):
    """Every item has a partner, which it takes to be there."""

    def split(self, name, count):
        made = super().split(name, count)
        partners = [*made.ids[1:], *made.ids[:1]]
        return replace(made, columns={**made.columns, "partner": partners})

    def score(self, inputs):
        table = inputs.tables["test"]
        places = {item: row for row, item in enumerate(table.ids)}
        for item in table["partner"]:
            self.met(places, item)
        return super().score(inputs)

    def met(self, places, item):
        return places[item]


class CarefulPartners(Partners):
    def met(self, places, item):
        return places.get(item)


class Seeded(Columns):
    """It is seeded, and may draw by position."""

    @property
    def info(self):
        return replace(super().info, seeded=True)

    def changed(self, columns):
        return columns
