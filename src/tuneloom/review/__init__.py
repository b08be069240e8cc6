"""Human review: rows held for a person, handed out as a sheet, and what people decided about them."""
