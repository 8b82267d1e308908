"""Plain baselines: chance, ridge-regularised CCA, and vectors that exist already."""
