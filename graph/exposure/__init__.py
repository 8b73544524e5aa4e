"""Gains and losses that a portfolio stands to have: positions, exposures of their tickers, and figures over both."""
