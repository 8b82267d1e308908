"""Tasks whose reference arrays or levels are broken, in one thing each."""

from __future__ import annotations

import numpy as np
from sound_task import CLASSES, DIM, Sound

from mmbench.api import DataError, Request


class Levels(Sound):
    """A sound task that states other levels."""

    def reference_levels(self, inputs):
        return self.stated(super().reference_levels(inputs), inputs)

    def stated(self, levels, inputs):
        raise NotImplementedError


class NoArrays(Sound):
    def reference_arrays(self, level, inputs, rng):
        raise NotImplementedError


class OneRowShort(Sound):
    def reference_arrays(self, level, inputs, rng):
        found = super().reference_arrays(level, inputs, rng)
        return {name: values[:-1] for name, values in found.items()}


class WholeNumbers(Sound):
    def reference_arrays(self, level, inputs, rng):
        found = super().reference_arrays(level, inputs, rng)
        return {name: (values * 100).astype(int) for name, values in found.items()}


class OwnGenerator(Sound):
    def reference_arrays(self, level, inputs, rng):
        return super().reference_arrays(level, inputs, np.random.default_rng())


class OneDraw(Sound):
    """Its one draw of random arrays happens to score near chance."""

    def reference_arrays(self, level, inputs, rng):
        return super().reference_arrays(level, inputs, np.random.default_rng(3))


class AsksForArrays(Levels):
    def stated(self, levels, inputs):
        return {**levels, "chance": {"top-1": 1 / len(inputs.arrays["prompt"])}}


class NotAMapping(Levels):
    def stated(self, levels, inputs):
        return {**levels, "majority": 0.25}


class OtherNames(Levels):
    def stated(self, levels, inputs):
        return {**levels, "majority": {"top1": 0.25}}


class Impossible(Levels):
    def stated(self, levels, inputs):
        return {**levels, "majority": {"top-1": 25.0}}


class Infinite(Levels):
    def stated(self, levels, inputs):
        return {**levels, "majority": {"mean rank": float("inf")}}


class NoNumber(Levels):
    def stated(self, levels, inputs):
        return {**levels, "majority": {"top-1": "0.25"}}


class BelowChance(Levels):
    def stated(self, levels, inputs):
        levels["chance"]["mean class accuracy"] = 0.25
        levels["ceiling"]["mean class accuracy"] = 0.2
        return levels

    def columns(self, ranks):
        return super().columns(ranks)

    def evaluation(self, table, truth, ranks):
        found = super().evaluation(table, truth, ranks)
        found.values["mean class accuracy"] *= 0.2
        return found


class LowCeiling(Levels):
    def stated(self, levels, inputs):
        levels["ceiling"]["top-2"] = 0.9
        return levels


class NoCeiling(Levels):
    """It states none, and its perfect arrays miss the best bound."""

    def stated(self, levels, inputs):
        return {"chance": levels["chance"]}

    def reference_arrays(self, level, inputs, rng):
        found = super().reference_arrays(level, inputs, rng)
        if level == "perfect":
            found["sound"][::4] *= -1
        return found


class TwiceTheChance(Levels):
    def stated(self, levels, inputs):
        levels["chance"]["top-1"] = 0.75
        return levels


class TakesAll(Sound):
    """A sound task that refuses less."""

    def unit(self, vectors):
        values = np.asarray(vectors, dtype=np.float64)
        self.look(values)
        lengths = np.linalg.norm(values, axis=1, keepdims=True)
        return values / np.where(lengths > 0, lengths, 1.0)

    def look(self, values):
        if not np.isfinite(values).all():
            raise ValueError("vectors hold NaN or infinity")
        if not values.any():
            raise ValueError("all vectors are zero")
        if np.allclose(values, values[0]):
            raise ValueError("all vectors are equal")


class TakesConstant(TakesAll):
    def look(self, values):
        if not np.isfinite(values).all() or not values.any():
            raise ValueError("vectors hold NaN or infinity, or are zero")


class TakesZero(TakesAll):
    def look(self, values):
        if values.any():
            super().look(values)


class TakesNaN(TakesAll):
    def look(self, values):
        super().look(np.where(np.isnan(values), 1.0, values))


class TakesInfinity(TakesAll):
    def look(self, values):
        super().look(np.where(np.isinf(values), 1.0, values))

    def unit(self, vectors):
        values = np.asarray(vectors, dtype=np.float64)
        self.look(values)
        return super().unit(np.where(np.isinf(values), 1e6, values))


class WrongError(TakesAll):
    def look(self, values):
        if np.isnan(values).any():
            raise ArithmeticError("NaN")
        super().look(values)


class DataIsToBlame(TakesAll):
    """It refuses by an error of mmbench's own, which is allowed."""

    def look(self, values):
        try:
            super().look(values)
        except ValueError as error:
            raise DataError(str(error)) from error


class NoLevels(Sound):
    """It states no levels, which is allowed."""

    def reference_levels(self, inputs):
        return {}


class Predicted(Sound):
    """The representation predicts, and may predict zeros, which is allowed."""

    def requests(self, offers):
        return [Request("score", "test", ("sound",), kind="prediction")]

    def score(self, inputs):
        scores = np.asarray(inputs.arrays["score"], dtype=np.float64)
        if not np.isfinite(scores).all() or (scores == scores[0]).all():
            raise ValueError("no scores")
        table = inputs.tables["test"]
        truth = np.array([CLASSES.index(label) for label in table["label"]])
        return self.evaluation(table, truth, self.ranks(scores, truth))

    def reference_arrays(self, level, inputs, rng):
        labels = inputs.tables["test"]["label"]
        if level == "perfect":
            return {"score": np.eye(len(CLASSES))[[CLASSES.index(each) for each in labels]]}
        made = np.ones if level == "constant" else rng.normal
        shape = (len(labels), len(CLASSES))
        return {"score": made(shape) if level == "constant" else made(size=shape)}


assert len(CLASSES) < DIM
