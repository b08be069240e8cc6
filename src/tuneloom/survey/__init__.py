"""What lies in a folder, before there is a config: `tuneloom init` looks with the ingestion that a run uses.

looking.py one file · grouping.py files to sources · stated.py licences that a folder states · writing.py the config
"""
