"""How much of what is known to be untrue is found: measured on simulated fleets."""
