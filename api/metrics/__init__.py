"""Figures of a running service for Prometheus: counted where things happen, sampled when they are asked for."""
