"""How much vehicles are used: days, hours, idle ones, and how many are out at once."""
