"""Who and what exists: institutions, places, devices, vehicles, terminals, and who sits where when."""
