"""Vehicles: positions to trips and mileage, the ledger of fuel and cost, the vehicle's account."""
