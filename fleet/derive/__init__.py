"""What is due is computed and stored: the work between the dirty log and the trips."""
