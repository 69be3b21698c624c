"""How much of what is waste rules find: measured on simulated cities."""
