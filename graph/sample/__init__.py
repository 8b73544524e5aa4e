"""The sample: three real predictions with everything on their pages in the system that Foregraph replaces."""

from importlib.resources import files

from graph.bundles.drafts import parse_bundle
from graph.model.bundle import Bundle

SAMPLE_FILE = "bundle.json"


def load_sample() -> Bundle:
    """Load the sample, which a first run imports into an empty database."""
    return parse_bundle(files(__name__).joinpath(SAMPLE_FILE).read_bytes())
