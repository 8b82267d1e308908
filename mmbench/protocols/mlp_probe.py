"""GMC's downstream classifier: a small network that reads classes out of vectors as they are.

Linear to 256, ReLU, linear to 128, ReLU, linear to the classes; cross-entropy, Adam at 1e-3 with
batches of 64 for a fixed number of epochs, no weight decay. It is scikit-learn's ``MLPClassifier``,
so it starts from Glorot's uniform weights where the original starts from PyTorch's.

Source: miguelsvasco/gmc bc4eada, the downstream stage on MHD (100 epochs; 50 in the paper).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmbench.protocols.probe import Probe

__all__ = ["fit_mlp"]

_HIDDEN = (256, 128)
_BATCH = 64
_LEARNING_RATE = 1e-3


def fit_mlp(vectors: Any, targets: Any, *, seed: int, epochs: int) -> Probe:
    """Train the classifier on vectors, which are not standardised.

    Args:
        vectors: [n, D].
        targets: [n] classes, whole numbers or text.
        seed: Of the initial weights and of the order of the items.
        epochs: Passes over the items; it never stops earlier.

    Returns:
        The probe. The same arrays and seed give the same one.

    Raises:
        ValueError: Vectors that are not finite or all equal, targets of another number or kind,
            fewer than two classes.
    """
    import warnings

    import numpy as np
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    from mmbench.metrics.vectors import finite_rows, to_numpy
    from mmbench.protocols.probe import Probe, checked_targets

    rows = to_numpy(finite_rows(vectors, name="training vectors"))
    truths = checked_targets(targets, len(rows), "class")
    if len(np.unique(truths)) < 2:
        raise ValueError(f"a probe needs two classes to tell apart, there is only {truths[0]!r}")
    model = MLPClassifier(
        _HIDDEN,
        alpha=0.0,
        batch_size=min(_BATCH, len(rows)),
        learning_rate_init=_LEARNING_RATE,
        max_iter=epochs,
        n_iter_no_change=epochs + 1,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is told when to stop
        model.fit(rows.astype(np.float32), truths)
    width = rows.shape[1]
    parameters = {
        "estimator": "MLPClassifier",
        "hidden": list(_HIDDEN),
        "epochs": epochs,
        "batch": _BATCH,
        "learning_rate": _LEARNING_RATE,
        "seed": seed,
        "loss": float(model.loss_),
        "standardised": False,
        "training_items": len(rows),
        "dimensions": width,
    }
    return Probe("class", np.zeros(width), np.ones(width), model, parameters)
