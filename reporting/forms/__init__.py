"""The statistical forms as versioned data: which lines they have, and what each rests on."""
