"""Tasks that ask for the wrong things, in one way each."""

from __future__ import annotations

from itertools import count

from sound_task import Sound

from mmbench.api import FitSpec, NotApplicable, Request

COUNTER = count()


class Wanting(Sound):
    """A sound task that asks for something more."""

    more: Request

    def requests(self, offers):
        return [*super().requests(offers), self.more]

    def reference_arrays(self, level, inputs, rng):
        found = super().reference_arrays(level, inputs, rng)
        return {**found, self.more.name: found["sound"]}


class WantsNothing(Sound):
    def requests(self, offers):
        return []


class WantsNames(Sound):
    def requests(self, offers):
        return ["sound", "prompt"]


class NoSuchCollection(Wanting):
    more = Request("more", "queries", ("sound",))

    def vectors(self, inputs):
        self.unit(inputs.arrays["more"])
        return super().vectors(inputs)


class NoSuchStream(NoSuchCollection):
    more = Request("more", "test", ("audio",))


class NoSuchKind(NoSuchCollection):
    more = Request("more", "test", ("sound",), kind="pooled")


class NoSuchPartial(NoSuchCollection):
    more = Request("more", "test", ("sound",), partial="drop")


class Twice(Wanting):
    more = Request("sound", "test", ("caption",))


class Wavering(Sound):
    def requests(self, offers):
        found = super().requests(offers)
        return found if next(COUNTER) % 2 else found[::-1]


class Greedy(Wanting):
    more = Request("caption", "test", ("caption",))


class Presuming(Sound):
    def requests(self, offers):
        first = offers.streams("test")[0]
        return [Request("sound", "test", (first,)), *super().requests(offers)[1:]]


class LearnsFromNothing(Sound):
    def fit_spec(self):
        return FitSpec("training")


class LearnsNoStream(Sound):
    def fit_spec(self):
        return FitSpec("train", "valid", ("audio",))


class LearnsNoColumn(Sound):
    def fit_spec(self):
        return FitSpec("train", "valid", ("sound",), "class", "class")


class NotASpec(Sound):
    def fit_spec(self):
        return "train"


class NoTargetKind(Sound):
    def fit_spec(self):
        return FitSpec("train", "valid", ("sound",), "label")


class Choosing(Sound):
    """It says what it misses, which is allowed."""

    def requests(self, offers):
        if not offers.offered("test", ("sound",), "global"):
            raise NotApplicable("no vectors of sounds")
        return super().requests(offers)
