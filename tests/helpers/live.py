"""Random examples on a live database: few in a usual run, and more in one of hours."""

from typing import Final

from hypothesis import HealthCheck, Phase, settings

NIGHT: Final = "night"
"""The profile of Hypothesis for a run of hours."""
USUAL_EXAMPLES: Final = settings.get_profile("default").max_examples
NIGHT_EXAMPLES: Final = 25 * USUAL_EXAMPLES


def live(num_examples: int) -> settings:
    """
    Settings of a test each example of which empties a live database and fills it anew, so that shrinking takes minutes.

    Args:
        num_examples: Number of examples in a usual run; a night's run has more in proportion.
    """
    profile = settings.get_profile(settings.get_current_profile_name())
    return settings(
        max_examples=num_examples * profile.max_examples // USUAL_EXAMPLES,
        deadline=None,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
