"""The ledger: facts, orders, fuel cards, costs, and the account of each vehicle (单车核算)."""
