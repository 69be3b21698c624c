"""What is held against a draft before anybody signs it; rules are data."""
