"""Stage `split`: every row gets a side; rows that share a prompt or a passage get the same one."""
