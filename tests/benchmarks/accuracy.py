"""
Accuracy of the network's inference on networks of the kinds that break it, against enumeration with exact calibration.

An error is silent if it exceeds what the answer says of itself, while the answer says that it has converged.
"""

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from graph.inference.network.auto import infer, with_lbp_errors
from graph.inference.network.bank import draw_bank
from graph.inference.network.diagnostics import Diagnostics
from graph.inference.network.errors import TooLargeError
from graph.inference.network.evidence import observe
from graph.inference.network.exact import Budget, infer_exactly
from graph.inference.network.intercepts import calibrate
from graph.inference.network.lbp import propagate
from graph.inference.network.shifts import ENOUGH_MATCHING, AtHand, Drawing, shifts_by_auto, shifts_by_lbp
from graph.inference.network.uncertainty import perturb
from tests.helpers.stress import KINDS, Case, Truth, stress_case

NUM_CASES: Final = 500
SEED: Final = 1
NUM_ERRORS: Final = 4.0
"""Standard errors within which a sampled marginal of many should lie."""

LIMITS: Final = {"EXACT": 0.005, "what-if by AUTO": 0.03, "what-if by the bank": 0.03, "what-if at hand": 0.03}
"""Errors above these may not be silent."""

ROUNDING: Final = 1e-6
"""By which an error that is stated exactly may be exceeded."""

NOTHING_FITS: Final = Budget(clique_claims=1, tree_entries=1, claims=0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The largest error of an answer, what the answer says of it, and whether it says that it has converged."""

    error: float
    stated: float
    converged: bool


def stated_error(diagnostics: Diagnostics) -> float:
    """The largest error that an answer admits to."""
    sampling = NUM_ERRORS * (diagnostics.standard_error or 0.0)
    return sampling + diagnostics.calibration_error + (diagnostics.error_estimate or 0.0)


def outcomes_of(case: Case) -> Iterable[tuple[str, Outcome]]:
    """The outcome of each method on a case."""
    truth, model = Truth(case.network), calibrate(case.network)
    expected = truth.marginals(case.evidence)
    before = infer(model, case.evidence, seed=SEED)
    answers = {
        "AUTO": before,
        "AUTO by samples": infer(model, case.evidence, seed=SEED, budget=NOTHING_FITS),
        "SAMPLE": draw_bank(model, case.evidence, seed=SEED).beliefs,
        "LBP": with_lbp_errors(model, case.evidence, propagate(model, case.evidence)),
    }
    with suppress(TooLargeError):
        answers["EXACT"] = infer_exactly(model, case.evidence)
    for name, beliefs in answers.items():
        error = float(np.abs(beliefs.marginals - expected).max())
        yield name, Outcome(error, stated_error(beliefs.diagnostics), beliefs.diagnostics.converged)
    supposed = truth.marginals(case.evidence, case.outcomes)
    if not case.is_intervention:
        supposed = truth.marginals(observe(case.evidence, case.outcomes))
    base = propagate(model, case.evidence)
    bank = draw_bank(model, case.evidence, seed=SEED)
    options: dict[str, Any] = {"is_intervention": case.is_intervention}
    question = (model, case.evidence, case.outcomes)
    sampled = {
        **options,
        "before": answers["AUTO by samples"],
        "bank": bank,
        "budget": NOTHING_FITS,
        "at_hand": AtHand(perturbed=perturb(model, case.evidence, base)),
    }
    what_ifs = {
        "what-if by AUTO": shifts_by_auto(*question, before=before, drawing=Drawing(SEED), **options),
        "what-if by the bank": shifts_by_auto(*question, drawing=Drawing(SEED), **sampled),
        "what-if at hand": shifts_by_auto(
            *question, drawing=Drawing(SEED, min_matching=ENOUGH_MATCHING, max_work=0), **sampled
        ),
        "what-if by LBP": shifts_by_lbp(*question, is_intervention=case.is_intervention),
    }
    for name, shifts in what_ifs.items():
        error = float(np.abs(shifts.deltas - (supposed - expected)).max())
        yield name, Outcome(error, stated_error(shifts.diagnostics), shifts.diagnostics.converged)


def benchmark_accuracy(num_cases: int = NUM_CASES) -> None:
    """Print the quantiles of the error by method, and the silent ones."""
    found: dict[str, list[Outcome]] = defaultdict(list)
    for number in range(num_cases):
        for name, outcome in outcomes_of(stress_case(number, KINDS[number % len(KINDS)])):
            found[name].append(outcome)
    print(f"{num_cases} networks; largest error of any claim: median, 90 %, 99 %, most; silent errors above the limit")
    for name, outcomes in found.items():
        errors = np.array([outcome.error for outcome in outcomes])
        limit = LIMITS.get(name, 0.02)
        silent = [one for one in outcomes if one.converged and one.error > max(limit, one.stated + ROUNDING)]
        quantiles = "  ".join(f"{value:.5f}" for value in np.quantile(errors, (0.5, 0.9, 0.99, 1.0)))
        unconverged = sum(not one.converged for one in outcomes)
        verdict = f"{len(silent)} of {errors.size} silent above {limit}, {unconverged} not converged"
        print(f"  {name:<20} {quantiles}  {verdict}", flush=True)
