"""Meters: what they counted, beside what is usual for them."""
