"""The policies by name."""

from graph.inference.blended import BlendedPolicy
from graph.inference.calibrated import CalibratedPolicy
from graph.inference.policy import Policy

FOREGRAPH_1 = BlendedPolicy()
FOREGRAPH_2 = CalibratedPolicy()

POLICIES: dict[str, Policy] = {policy.name: policy for policy in (FOREGRAPH_1, FOREGRAPH_2)}
"""Each policy by its name, the oldest first."""


def policy_named(name: str) -> Policy:
    """
    Return a policy.

    Raises:
        ValueError: No policy has this name.
    """
    if name not in POLICIES:
        message = f"expected a policy, one of {', '.join(POLICIES)}, got {name!r:.80}"
        raise ValueError(message)
    return POLICIES[name]
