"""Who gets a person, and who helps itself: flags, what a contact may save, and hours."""
