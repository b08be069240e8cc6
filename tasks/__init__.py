"""How each stage runs under Prefect: a file a stage, each a thin wrapper around one function of `tuneloom`.

Prefect's own cache is off: the artifact store decides what is finished (a reused stage ends in a state named
`Cached`). Results are artifact references, never data.
"""
