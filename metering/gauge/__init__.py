"""Gauges and states by quarter hour, demand, and the outdoor temperature."""
