"""Utility accounts, bills, fuel bought, and the monthly figure that rests on them."""
