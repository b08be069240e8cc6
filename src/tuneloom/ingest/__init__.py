"""Ingestion: files of any common shape to Conversations, every source row kept or rejected with a reason.

discover.py finds files · readers/ turn bytes into rows · detect.py chooses one of formats/ · stage.py writes.
"""
