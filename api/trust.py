"""Ways to treat documents that are not trusted; see `api.trusted`."""

from enum import StrEnum


class TrustMode(StrEnum):
    """
    OFF: no folder. PREFER: documents of the folder are known by their ids from the start, others are answered as well.
    LOG: others are logged, each once. ONLY: others are refused.
    """

    OFF = "off"
    LOG = "log"
    PREFER = "prefer"
    ONLY = "only"
