"""What may not be known of vehicles: places that are withheld, tracks that are removed."""
