"""What is measured: pure functions of time and seed, with counters that are exact integrals."""
