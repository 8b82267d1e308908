"""Lay out scikit-learn's digits as the reader expects them."""

import csv
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
root = Path("data/handwriting")
(root / "pictures").mkdir(parents=True)
digits = load_digits()
with (root / "items.csv").open("w", newline="") as file:
    lines = csv.writer(file)
    lines.writerow(["id", "split", "label", "caption"])
    for row, (pixels, digit) in enumerate(zip(digits.images, digits.target, strict=True)):
        picture = np.repeat((pixels * 15).astype(np.uint8)[:, :, None], 3, axis=2)
        np.save(root / "pictures" / f"digit-{row}.npy", picture)
        split = "train" if row < 900 else "test"
        lines.writerow([f"digit-{row}", split, NAMES[digit], f"the digit {NAMES[digit]}"])
