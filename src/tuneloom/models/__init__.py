"""Language models on whatever machine this is: find, load, probe, attend, score, generate.

`resolve` imports nothing heavy (planning needs it); everything else imports torch and transformers where it is used.
"""
