"""The whole platform on simulated meters and vehicles, with an account of what it did."""
