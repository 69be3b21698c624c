"""Working off what is due: episodes first, then the doubts that hang on them."""
