"""Who and what exists: institutions, places, devices, vehicles, and who sits where when."""
