"""Vehicles' months with their papers, true and tampered with, and what is true of them."""
