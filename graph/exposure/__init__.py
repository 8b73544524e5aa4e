"""What a portfolio stands to gain or lose: its positions, the exposures of their tickers, and figures over both."""
