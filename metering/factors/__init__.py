"""Energy kinds, factors, indicators and tariffs: figures of law are data, arithmetic is exact."""
