"""Forecasts of many predictors: brought in, pooled, and replayed under several policies."""
