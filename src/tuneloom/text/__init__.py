"""Text, by columns: scripts, keys, shingles, MinHash signatures, similarity; language, kind and personal data.

Foundations that several stages share. The compiled ones (keys, shingles, signatures, similarity) import numba, so a
stage imports them and the command line does not.
"""
