"""Consumption, bills and what follows from them. See docs/metering.md."""
