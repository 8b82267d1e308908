"""Tasks whose scores are broken, in one thing each."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from sound_task import CLASSES, SAID, Sound

from mmbench.api import Evaluation, ItemTable, MetricInfo, UsageError


class Told(Sound):
    """A sound task whose evaluation is changed."""

    def evaluation(self, table, truth, ranks):
        return self.told(super().evaluation(table, truth, ranks), truth)

    def told(self, found, truth):
        raise NotImplementedError


class Columns(Sound):
    """A sound task whose columns are changed."""

    def columns(self, ranks):
        return self.changed(super().columns(ranks))

    def changed(self, columns):
        raise NotImplementedError


class More(Columns):
    """A sound task with a metric more."""

    more = MetricInfo("more", ("more",), description=SAID)

    def metrics(self):
        return (*super().metrics(), self.more)


class ReturnsANumber(Sound):
    def score(self, inputs):
        super().score(inputs)
        return 0.5


class ReturnsColumns(Told):
    def told(self, found, truth):
        return replace(found, tables={"items": dict(found.tables["items"].columns)})


class ShortColumn(Columns):
    def changed(self, columns):
        return {**columns, "spare": columns["rank"][:-1]}


class Raises(Sound):
    def score(self, inputs):
        super().score(inputs)
        raise RuntimeError("not finished")


class NoColumn(More):
    def changed(self, columns):
        return columns


class NoValue(Told):
    def told(self, found, truth):
        return replace(found, values={})


class NaNBehind(More):
    more = MetricInfo("more", ("top1", "more"), aggregator="ratio", description=SAID)

    def changed(self, columns):
        return {**columns, "more": np.full(len(columns["rank"]), np.nan)}


class InPercent(More):
    def changed(self, columns):
        return {**columns, "more": columns["top1"] * 100}


class Swapped(Columns):
    def changed(self, columns):
        return {**columns, "top2": columns["top1"] / 2}

    def reference_levels(self, inputs):
        found = super().reference_levels(inputs)
        for level in found.values():
            del level["top-2"]
        return found


class Disagreeing(Columns):
    def changed(self, columns):
        return {**columns, "right": columns["right"] * 0.5}

    def reference_levels(self, inputs):
        found = super().reference_levels(inputs)
        for level in found.values():
            del level["accuracy"]
        return found


class Undefined(More):
    def changed(self, columns):
        return {**columns, "more": np.full(len(columns["rank"]), np.nan)}


class Backwards(Sound):
    """It ranks by an error that it calls an accuracy."""

    def columns(self, ranks):
        columns = super().columns(ranks)
        return {**columns, "top1": 1 - columns["top1"], "right": 1 - columns["right"]}

    def metrics(self):
        return tuple(replace(each, ladder=None) for each in super().metrics())

    def reference_levels(self, inputs):
        return {"ceiling": {"mean rank": 1.0}}


class ByPosition(More):
    def changed(self, columns):
        places = np.arange(len(columns["rank"])) / 100
        return {**columns, "more": places * columns["top2"]}


class AlwaysByCosine(Sound):
    def score(self, inputs):
        return super().score(replace(inputs, similarity="cosine"))


class ByCosineAndSaysSo(AlwaysByCosine):
    """Its metric is of cosines by definition, which is allowed."""

    def metrics(self):
        first, *others = super().metrics()
        return (replace(first, description="share of items, by the highest cosine"), *others)


class ByCosineIfChosen(Sound):
    """An option decides, which is allowed.

    Args:
        scaling: Of the vectors.
    """

    def __init__(self, *, scaling: Literal["similarity", "unit"] = "unit") -> None:
        super().__init__()
        self.scaling = scaling

    def vectors(self, inputs):
        chosen = self.scaling == "unit"
        return super().vectors(replace(inputs, similarity="cosine") if chosen else inputs)


class RefusesDotProducts(Sound):
    """It can't do it, and says so, which is allowed."""

    def score(self, inputs):
        if inputs.similarity != "cosine":
            raise UsageError("compares cosines only", where="sound")
        return super().score(inputs)


class ByDot(Sound):
    def vectors(self, inputs):
        for vectors in inputs.arrays.values():
            self.unit(vectors)
        return inputs.arrays["sound"], self.unit(inputs.arrays["prompt"])

    def ranks(self, scores, truth):
        near = scores / np.abs(scores).max()
        return super().ranks(np.where(near > 0.4, near, 0.0), truth)

    def reference_levels(self, inputs):
        return {}


class Objects(Columns):
    def changed(self, columns):
        mixed = [str(each) if row % 2 else row for row, each in enumerate(columns["rank"])]
        return {**columns, "spare": mixed}


class Twice(Told):
    def told(self, found, truth):
        ids = list(found.tables["items"].ids)
        return replace(
            found, tables={"items": replace(found.tables["items"], ids=[*ids[:-1], ids[0]])}
        )


class Numbered(Told):
    def told(self, found, truth):
        table = found.tables["items"]
        ids = [*table.ids[:-1], "the last"]
        return replace(found, tables={"items": replace(table, ids=ids)})


class UnmarkedPrompts(Sound):
    def prompts(self):
        return replace(super().prompts(), auxiliary=False)


class MarkedItems(Sound):
    def collected(self, **said):
        return replace(super().collected(**said), auxiliary=said["name"] == "test")


class ArrayParameters(Told):
    def told(self, found, truth):
        return replace(found, parameters={"counts": np.bincount(truth)})


class NumberedNotes(Told):
    def told(self, found, truth):
        return replace(found, notes=(3,))


class Prefixed(Told):
    """Ids with their collection's name, lists in columns, and a second table: allowed."""

    def told(self, found, truth):
        table = found.tables["items"]
        ids = [f"test/{each}" for each in table.ids]
        boxes = [[0.0, float(row)] if row else None for row in range(len(ids))]
        tables = {
            "items": ItemTable(ids, {**table.columns, "box": boxes}),
            "classes": ItemTable(list(CLASSES), {"count": np.bincount(truth, minlength=4)}),
        }
        return Evaluation(tables, found.values, found.parameters, found.notes)
