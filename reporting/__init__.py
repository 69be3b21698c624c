"""The signed report: forms, drafts, audit, sign-off, submission."""
