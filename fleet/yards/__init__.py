"""Yards (定点停放) and sealed times (封存停驶): where a vehicle should be, and whether it was."""
