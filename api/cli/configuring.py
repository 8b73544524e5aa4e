"""The settings of a command, and its log; apart, as commands without a database start at once."""

from api.logging import configure_logging
from api.settings import Settings, load_settings
from api.telemetry import list_log_processors


def configure(**overrides: object) -> Settings:
    """Load the settings, and set the log up by them; values that are given come before those of the environment."""
    chosen = load_settings(**overrides)
    more = list_log_processors(chosen)
    configure_logging(log_format=chosen.log_format, log_level=chosen.log_level, more=more)
    return chosen
