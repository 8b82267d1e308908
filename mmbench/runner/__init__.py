"""Suite to plan to jobs to engine to records: everything between a dataset and a score."""
