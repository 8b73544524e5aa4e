"""Three real predictions with all that stood on their pages in the system that Foregraph replaces."""

from importlib.resources import files

from graph.bundles.drafts import parse_bundle
from graph.model.bundle import Bundle

SAMPLE_FILE = "bundle.json"


def load_sample() -> Bundle:
    """The sample that the project ships: what an empty database is filled with on a first run."""
    return parse_bundle(files(__name__).joinpath(SAMPLE_FILE).read_bytes())
