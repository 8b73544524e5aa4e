"""The numbers that bound the network's computations, and why each has its value."""

from typing import Final

MAX_LOG_ODDS: Final = 30.0
"""Log-odds in messages are limited to this: 1 - sigmoid(30) is 1e-13, which no stated belief can tell from nothing."""

MAX_TABLE_PARENTS: Final = 12
"""LBP uses full tables of 2^k configurations up to here; a table of 4,096 takes some 10 microseconds."""

MAX_TABLE_ENTRIES: Final = 1 << 26
"""Of all tables together: 512 MiB. The worst 16,000 claims would have to have 12 parents each."""

MIN_MESSAGE_CHANGE: Final = 1e-8
"""In log-odds: a claim whose parents' messages have changed by less is not computed again."""

NUM_NODES: Final = 20
"""Of Gauss-Hermite quadrature for more parents; more of them change less than the normal distribution errs."""

MAX_SOLVED_PARENTS: Final = 10
"""Calibration counts configurations up to here; beyond, there are more of them than samples differ."""

MAX_NARROW_PARENTS: Final = 7
"""A claim and up to so many parents make one byte of a sample."""

GRID_LIMIT: Final = 40.0
"""Beyond it softplus is straight to the last bit."""

GRID_STEPS: Final = 8.0
"""Points per unit at which softplus of claims with many parents is tabulated; cubic interpolation errs by 1e-7."""

NEWTON_STEPS: Final = 200
"""Some six are used; as many bisections alone would leave nothing of any bracket."""

NEWTON_TOLERANCE: Final = 1e-12
"""In log-odds; Newton's last step is then far smaller."""
