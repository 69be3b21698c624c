"""The last mile: what is signed leaves the house."""
