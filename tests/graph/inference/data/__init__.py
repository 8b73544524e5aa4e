"""Published forecasts with their outcomes; README.md says whose they are."""

import csv
from pathlib import Path

import numpy as np

from graph.inference.log_odds import FloatArray
from graph.inference.scoring import BoolArray


def load_forecasts(name: str) -> tuple[FloatArray, BoolArray]:
    """Stated probabilities and outcomes of a file, ties dropped."""
    path = Path(__file__).with_name(f"fivethirtyeight_{name}.csv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = [(float(row["prob1"]), float(row["prob1_outcome"])) for row in csv.DictReader(file)]
    decided = [(stated, outcome == 1.0) for stated, outcome in rows if outcome in {0.0, 1.0}]
    return np.array([stated for stated, _ in decided]), np.array([outcome for _, outcome in decided])
