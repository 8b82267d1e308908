"""Representations whose dense maps lie, each in one way; and hard cases that are sound."""

from __future__ import annotations

import numpy as np
from sound_representation import DIM, GRID, Sound, noise_of


class NoCells(Sound):
    def encode_dense(self, batch):
        return super().encode_dense(batch)[:, :0]


class GridFollowsContent(Sound):
    """Finer where there is much to see; one map a batch, so that rows fit."""

    def encode_dense(self, batch):
        maps = super().encode_dense(batch)
        if len(maps) != 1:
            return maps
        brightness = batch["image"][0].pixels.mean(axis=2)
        return maps.repeat(2, axis=1) if np.ptp(brightness) > 125 else maps


class FlipsRows(Sound):
    def map(self, pixels):
        return super().map(pixels)[::-1]


class FlipsColumns(Sound):
    def map(self, pixels):
        return super().map(pixels)[:, ::-1]


class Transposes(Sound):
    def map(self, pixels):
        return super().map(pixels).swapaxes(0, 1)


class LooksAtOneCorner(Sound):
    """Whatever changes, it says so at the top left."""

    def map(self, pixels):
        found = np.zeros((GRID, GRID, DIM), np.float32) + self.bias
        found[0, 0] += super().map(pixels).sum(axis=(0, 1))
        return found


class TurnsWideFrames(Sound):
    def map(self, pixels):
        found = super().map(pixels)
        return found.swapaxes(0, 1) if pixels.shape[1] > 2 * pixels.shape[0] else found


class CropsTheCentre(Sound):
    def map(self, pixels):
        height, width = pixels.shape[:2]
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        return super().map(pixels[top : top + side, left : left + side])


class CropsTheBorder(Sound):
    """As where a frame is resized to 256 and its centre of 224 is taken."""

    def map(self, pixels):
        height, width = (length // 16 for length in pixels.shape[:2])
        return super().map(pixels[height : len(pixels) - height, width : pixels.shape[1] - width])


class TellsNoPlaces(Sound):
    """Noise in each cell, as random vectors have it: sound, though it can't be told."""

    def encode_dense(self, batch):
        maps = super().encode_dense(batch)
        for row, payload in enumerate(batch["image"]):
            seeds = range(GRID * GRID)
            noise = [noise_of(payload, seed) for seed in seeds]
            maps[row] = np.stack(noise).reshape(GRID, GRID, DIM)
        return maps


class OneCell(Sound):
    def map(self, pixels):
        return super().map(pixels).mean(axis=(0, 1), keepdims=True)

    def encode_dense(self, batch):
        self.refuse_others("dense", batch)
        maps = np.empty((len(batch["image"]), 1, 1, DIM), np.float32)
        for row, payload in enumerate(batch["image"]):
            maps[row] = self.map(payload.pixels)
        return maps


class FixedSquares(Sound):
    """Takes pictures of one size only."""

    @property
    def info(self):
        from dataclasses import replace

        info = super().info
        slots = [replace(s, shape=(32, 32, 3)) if s.name == "image" else s for s in info.slots]
        return replace(info, slots=tuple(slots))

    def image(self, payload):
        assert payload.pixels.shape == (32, 32, 3)
        return super().image(payload)

    def map(self, pixels):
        assert pixels.shape == (32, 32, 3)
        return super().map(pixels)


class AttendsEverywhere(Sound):
    """Each cell sees a good deal of all the others, as a transformer's do."""

    def map(self, pixels):
        found = super().map(pixels)
        return 0.6 * found + 0.4 * found.mean(axis=(0, 1))
