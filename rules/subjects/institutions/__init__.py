"""Institutions: what they report, month by month, beside their quotas and last year."""
