"""Stage `decontaminate`: training rows that give away an evaluation row go; each names the row it gives away."""
