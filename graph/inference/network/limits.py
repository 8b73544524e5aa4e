"""Limits of the network's computations, and the reason for each value."""

from typing import Final

MAX_LOG_ODDS: Final = 30.0
"""Messages are clipped to this log-odds: 1 - sigmoid(30) is 1e-13, which is 0 for every stated probability."""

CERTAIN_LOG_ODDS: Final = MAX_LOG_ODDS
"""Of an outcome of which it is known that it comes true, as none of those that exclude it does."""

EXCLUDING_WEIGHT: Final = -2.0 * MAX_LOG_ODDS
"""Of an outcome on one that it excludes: which is then as unlikely as without it the last of a group is likely."""

TIED_LOG_ODDS: Final = -20.0
"""Of an event by a date that has the same probability as the one before, if it has not happened by that: 2e-9."""

MAX_GROUP_CLAIMS: Final = 100
"""In a group of outcomes that exclude each other; 4,950 links between them, five times the time of 32 outcomes."""

MAX_GROUP_PARENTS: Final = 32
"""Claims outside a group whose influences on a member shift all of its members, those that matter most."""

MAX_TABLE_PARENTS: Final = 12
"""LBP tabulates all 2^k configurations up to this many parents; a table of 4,096 takes some 10 microseconds."""

MAX_TABLE_ENTRIES: Final = 1 << 26
"""In all tables together: 512 MiB, or 16,000 claims with 12 parents each."""

MIN_MESSAGE_CHANGE: Final = 1e-8
"""In log-odds: a claim is not recomputed if the messages from its parents change by less."""

NUM_NODES: Final = 20
"""Of Gauss-Hermite quadrature for more parents; more nodes change less than the normal approximation errs by."""

MAX_SOLVED_PARENTS: Final = 10
"""Calibration counts configurations up to this many parents; beyond, they outnumber the distinct samples."""

MAX_JOINT_ANCESTORS: Final = 128
"""Parents and their ancestors, for an exact joint distribution of a claim's parents; 0.05 ms a claim on the whole."""

MAX_JOINT_WIDTH: Final = 16
"""Claims in one of its tables."""

MAX_LATTICE_POINTS: Final = 1 << 17
"""For the distribution of the sum over independent parents, in steps of `LATTICE_STEP`."""

LATTICE_STEP: Final = 1.0 / 256.0
"""In log-odds; probabilities then err by some 1e-6."""

NUM_RAKES: Final = 10
"""Rounds in which sampled shares are brought to the parents' prior marginals; each leaves a fraction of the error."""

MAX_JOINT_ENTRIES: Final = 1 << 18
"""In all of its tables together: 2 MiB."""

MAX_NARROW_PARENTS: Final = 7
"""A claim and up to this many parents fit into one byte of a sample."""

GRID_LIMIT: Final = 40.0
"""In log-odds: beyond it softplus is linear to the last bit."""

GRID_STEPS: Final = 8.0
"""Grid points per unit at which softplus is tabulated for many parents; cubic interpolation errs by 1e-7."""

NEWTON_STEPS: Final = 200
"""Some six are used; this many bisections alone would exhaust any bracket."""

NEWTON_TOLERANCE: Final = 1e-12
"""In log-odds; Newton's last step is then far smaller."""
