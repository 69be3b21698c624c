"""Virtual meters, mains and sub-meters, and totals up the tree in which nothing counts twice."""
