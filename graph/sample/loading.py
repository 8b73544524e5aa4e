"""Loads the samples."""

from importlib.resources import files
from typing import Final

from graph.bundles.drafts import parse_bundle
from graph.model.bundle import BUNDLE_FORMAT, LISTS, Bundle
from graph.sample import Sample

SAMPLE_FILE: Final = "bundle.json"
ILLUSTRATION_FILE: Final = "illustration.json"


def load_sample() -> Bundle:
    """Load the three real pages."""
    return _load(SAMPLE_FILE)


def load_illustration() -> Bundle:
    """Load the illustrative graph."""
    return _load(ILLUSTRATION_FILE)


def load_samples(chosen: Sample) -> Bundle:
    """Load the chosen samples as one bundle, which one transaction writes; it is empty for `NONE`."""
    names = {Sample.ALL: (SAMPLE_FILE, ILLUSTRATION_FILE), Sample.PAGES: (SAMPLE_FILE,), Sample.NONE: ()}[chosen]
    bundles = [_load(name) for name in names]
    rows = {name: tuple(row for bundle in bundles for row in bundle.rows()[name]) for name in LISTS}
    policy = next((bundle.policy for bundle in bundles), None)
    return Bundle(format=BUNDLE_FORMAT, policy=policy, **rows)


def _load(name: str) -> Bundle:
    return parse_bundle(files(__package__).joinpath(name).read_bytes())
