"""Makes the quickstart's instruction rows: words and facts in, rows with true answers out."""
