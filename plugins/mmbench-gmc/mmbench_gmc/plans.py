"""Which trunk a stream gets, by kind and shape; its sizes are known without torch.

The streams of the paper's experiments get the paper's trunks (Poklukar et al. 2022, and the code
that its authors released); any other stream gets the generic one of its kind, which is of the same
classes in other sizes.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from mmbench_gmc.inputs import Input

__all__ = [
    "Bands",
    "Convolutions",
    "Crossmodal",
    "Family",
    "Identity",
    "Perceptron",
    "Plan",
    "Points",
    "Recurrent",
    "linear",
    "plan_of",
    "published",
]

#: ``auto``: the paper's trunks for the paper's streams; ``generic``: the generic ones for all.
Family = Literal["auto", "generic"]


def linear(inputs: int, outputs: int) -> int:
    """Parameters of a linear layer with a bias."""
    return (inputs + 1) * outputs


@dataclass(frozen=True)
class Identity:
    """The numbers themselves, such as a label's.

    Attributes:
        width: How many.
    """

    width: int
    parameters: int = 0


@dataclass(frozen=True)
class Convolutions:
    """Convolutions of 4 x 4 at every second place, Swish after each.

    Attributes:
        shape: Channels, height and width.
        channels: Of each layer.
    """

    shape: tuple[int, int, int]
    channels: tuple[int, ...]

    @property
    def width(self) -> int:
        """Numbers that come out."""
        _, height, width = self.shape
        halved = len(self.channels)
        return self.channels[-1] * (height >> halved) * (width >> halved)

    @property
    def parameters(self) -> int:
        """Trained numbers; no layer has a bias."""
        before = (self.shape[0], *self.channels)
        return sum(16 * a * b for a, b in zip(before, self.channels, strict=False))


@dataclass(frozen=True)
class Bands:
    """A spectrogram's: all bands of a time at once, then 4 times at every second place.

    Attributes:
        times: Steps in time.
        bands: Frequencies.
        channels: Of each layer.
    """

    times: int
    bands: int
    channels: tuple[int, ...]

    @property
    def width(self) -> int:
        """Numbers that come out."""
        return self.channels[-1] * (self.times >> (len(self.channels) - 1))

    @property
    def parameters(self) -> int:
        """Trained numbers: weights without biases, and a batch normalisation a layer."""
        sizes = [self.bands, *(4 * each for each in self.channels)]
        return sum((a + 2) * b for a, b in zip(sizes, self.channels, strict=False))


@dataclass(frozen=True)
class Perceptron:
    """Linear layers with Swish after each.

    Attributes:
        size: Numbers that go in.
        hidden: Units of each layer.
    """

    size: int
    hidden: tuple[int, ...]

    @property
    def width(self) -> int:
        """Numbers that come out."""
        return (self.size, *self.hidden)[-1]

    @property
    def parameters(self) -> int:
        """Trained numbers."""
        sizes = (self.size, *self.hidden)
        return sum(linear(a, b) for a, b in zip(sizes, self.hidden, strict=False))


@dataclass(frozen=True)
class Recurrent:
    """A gated recurrent layer; the states of all steps come out.

    Attributes:
        steps: Steps in time.
        features: Numbers a step.
        hidden: Units of its state.
    """

    steps: int
    features: int
    hidden: int = 30

    @property
    def width(self) -> int:
        """Numbers that come out."""
        return self.steps * self.hidden

    @property
    def parameters(self) -> int:
        """Trained numbers: three gates, and two biases a unit."""
        return 3 * self.hidden * (self.features + self.hidden + 2)


@dataclass(frozen=True)
class Points:
    """Layers that every point goes through by itself, then the largest of each number.

    Attributes:
        hidden: Units of each layer.
    """

    hidden: tuple[int, ...]

    @property
    def width(self) -> int:
        """Numbers that come out."""
        return self.hidden[-1]

    @property
    def parameters(self) -> int:
        """Trained numbers."""
        return Perceptron(3, self.hidden).parameters


@dataclass(frozen=True)
class Crossmodal:
    """MulT's body: a transformer for every ordered pair of sequences, and one for every sequence.

    Attributes:
        features: Numbers a step, of each sequence.
        dim: Channels that each sequence is brought to.
        heads: Of every attention.
        layers: Of every transformer.
    """

    features: tuple[int, ...]
    dim: int = 30
    heads: int = 5
    layers: int = 5

    @property
    def memory(self) -> int:
        """Numbers a step that come together at one sequence."""
        return self.dim * (len(self.features) - 1)

    @property
    def width(self) -> int:
        """Numbers that come out."""
        return self.memory * len(self.features)

    @property
    def parameters(self) -> int:
        """Trained numbers; a sequence that has ``dim`` channels is not projected."""
        count = len(self.features)
        projected = sum(each * self.dim for each in self.features if each != self.dim)
        pairs = count * (count - 1) * self._transformer(self.dim)
        return projected + pairs + count * self._transformer(self.memory)

    def _transformer(self, dim: int) -> int:
        """Four linear layers of attention, two of 4 x ``dim``, and three normalisations."""
        return self.layers * (12 * dim * dim + 13 * dim) + 2 * dim


Plan = Identity | Convolutions | Bands | Perceptron | Recurrent | Points

#: MHD's picture, sound and trajectory, and Pendulum's picture and sound.
_PUBLISHED: dict[tuple[int, ...], Plan] = {
    (1, 28, 28): Convolutions((1, 28, 28), (64, 128)),
    (1, 32, 128): Bands(32, 128, (128, 128, 256)),
    (200,): Perceptron(200, (512, 512)),
    (2, 60, 60): Convolutions((2, 60, 60), (32, 64)),
    (2, 3, 2): Perceptron(12, (50, 50)),
}
#: Steps, and numbers a step, of CMU-MOSI's and CMU-MOSEI's words, sounds and faces.
_SPOKEN = {(50, features) for features in (300, 74, 35, 5, 20)}


def published(form: Input) -> bool:
    """Whether a stream is one of the paper's, which it takes as they come."""
    if form.kind == "Array":
        return form.shape in _PUBLISHED or _is_label(form)
    return form.kind == "Sequence" and form.shape in _SPOKEN


def plan_of(form: Input, family: Family = "auto") -> Plan:
    """The trunk of a stream."""
    if family == "auto" and form.kind == "Array" and published(form):
        return _PUBLISHED.get(form.shape) or Identity(form.size)
    return _generic(form)


def _generic(form: Input) -> Plan:
    shape = form.shape
    if form.kind == "Sequence":
        return Recurrent(shape[0], shape[1])
    if form.kind == "PointCloud":
        return Points((64, 128))
    if form.kind == "Audio":
        return Bands(shape[1], shape[2], (64, 64, 128))
    if form.kind == "Text":
        return Perceptron(form.size, (256,))
    if len(shape) == 3 and min(shape[1:]) >= 4:
        return Convolutions((shape[0], shape[1], shape[2]), (16, 32))
    return Perceptron(prod(shape), (256, 256))


def _is_label(form: Input) -> bool:
    return form.modality == "label" and len(form.shape) == 1
