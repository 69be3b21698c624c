"""The processes that compute what follows from new data, and who watches them."""
