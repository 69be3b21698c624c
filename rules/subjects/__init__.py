"""What rules are about: how subjects of each sort are found, and what is known of them."""
