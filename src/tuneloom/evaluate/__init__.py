"""Scores on rows that never trained, base against tuned against champion, and the gate's verdict."""
