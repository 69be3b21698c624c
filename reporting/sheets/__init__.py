"""Reports on paper and in files: Excel that looks like the form, CSV, JSON."""
