"""Backtests: policies scored side by side on the graph's own forecasts."""

from dataclasses import asdict
from typing import Any

from graph.inference.backtest import Backtest as BacktestOf
from graph.inference.backtest import PolicyScores as ScoresOf
from resolvers.base.described import object_type
from resolvers.base.fields import prop
from resolvers.base.figures import figures
from resolvers.types.predictor_records import CorpDecomposition, ReliabilityBin


@object_type
class MomentScore:
    """Scores of a policy at one moment of each forecast's time, over the forecasts on claims that were open then."""

    moment: str = prop("The moment: the statement, a quartile of the time left then, or the day before the deadline.")
    num_forecasts: int = prop("Number of forecasts scored; if 0, both scores are null.")
    brier: float | None = prop("Brier score: mean squared error; 0 is best.")
    log_score: float | None = prop("Mean of -ln of the chance given to the outcome, within .001 and .999; 0 is best.")


@object_type
class BootstrapInterval:
    """A 95% interval of a mean, by drawing whole clusters again."""

    low: float = prop("Lower end of the interval.")
    high: float = prop("Upper end of the interval.")


@object_type
class PairedDifference:
    """A policy's Brier score at statement minus that of another on the same forecasts; below 0 it is better."""

    mean: float = prop("Mean difference over all forecasts.")
    by_predictor: BootstrapInterval = prop("Interval with whole predictors drawn again.")
    by_question: BootstrapInterval = prop("Interval with whole claims drawn again.")


@object_type
class PolicyScores:
    """Scores of one policy."""

    policy: str = prop("Name of the policy.")
    moments: list[MomentScore] = prop("Scores at five moments, in order.")
    time_weighted_brier: float = prop("Mean squared error over the time that each claim was open, by exact integrals.")
    baseline_score: float = prop("Mean of 100 (1 + log2 of the chance given to the outcome); 0 for always a half.")
    peer_score: float | None = prop(
        "Mean of 100 times the log score above the standing forecasts of others; null where there were none."
    )
    corp: CorpDecomposition = prop("Calibration at statement.")
    curve: list[ReliabilityBin] = prop("The reliability curve at statement, without empty bins.")
    skill: float | None = prop("Improvement over the Brier score of what was stated, as a fraction of that.")
    difference: PairedDifference | None = prop("Comparison with `against`; null for that policy itself.")
    is_recommended: bool = prop("Whether it is better than `against` beyond doubt: both intervals end below 0.")


@object_type
class Backtest:
    """Policies replayed over the forecasts on resolved claims, by what was recorded at each moment."""

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Whether a dict is an answer of this kind."""
        return bool(obj["__typename"] == cls.__name__)

    num_forecasts: int = prop("Number of forecasts that were recorded before their claim's outcome.")
    num_questions: int = prop("Number of claims that they are on.", name="claimCount")
    num_predictors: int = prop("Number of predictors who made them.")
    against: str = prop("Name of the policy that the others are compared with.")
    policies: list[PolicyScores] = prop("Scores of each policy.")


def shown_backtest(found: BacktestOf) -> dict[str, Any]:
    """A backtest in the response's shape."""
    return {**asdict(found), "policies": [_shown_scores(scores) for scores in found.policies]}


def _shown_scores(scores: ScoresOf) -> dict[str, Any]:
    shown = asdict(scores)
    difference = shown["difference"]
    return {
        **figures(shown),
        "moments": [figures(moment) for moment in shown["moments"]],
        "corp": figures(shown["corp"]),
        "curve": [figures(part) for part in shown["curve"]],
        "difference": difference
        and {"mean": difference["mean"], **{name: difference[name] for name in ("by_predictor", "by_question")}},
    }
