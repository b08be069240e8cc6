"""Stage `dedup`: exact duplicates, and near-duplicates of a kept row, go; each names the row that stays for it."""
