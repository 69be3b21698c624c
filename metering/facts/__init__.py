"""Facts that people enter about meters: dated, corrected beside the old ones, withdrawn."""
