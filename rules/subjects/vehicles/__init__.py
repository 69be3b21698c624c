"""Vehicles: their papers against their ways, what they use and cost, where they stand."""
