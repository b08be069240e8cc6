"""What runs: a file a flow, and the command line (`cli.py`), which is the front door."""
