"""What consumption is held against: quotas, last year, and months of before metering."""
