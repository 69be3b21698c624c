"""Joining: receipts, invoices and orders against where vehicles were, how far, and their tanks."""
