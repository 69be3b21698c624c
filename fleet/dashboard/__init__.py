"""What people read off the dashboard, beside what the terminal counts and the positions say."""
