"""Intervals, tests and sample sizes for paired scores: what a difference between two models on the same items can tell.

What the data cannot tell is None, never 0. Items that share a passage, a task or a conversation are one cluster.
"""

from tuneloom.statistics.corpus import corpus_bootstrap, corpus_sign_flip
from tuneloom.statistics.intervals import RESAMPLES, Estimate, Interval, bootstrap, clustered_t, widest, wilson
from tuneloom.statistics.paired_share import as_was_planned, margin_shown_by, share_items_for, tango
from tuneloom.statistics.power import detectable_before, items_for
from tuneloom.statistics.significance import holm, mcnemar, sign_flip

__all__ = [
    "RESAMPLES",
    "Estimate",
    "Interval",
    "as_was_planned",
    "bootstrap",
    "clustered_t",
    "corpus_bootstrap",
    "corpus_sign_flip",
    "detectable_before",
    "holm",
    "items_for",
    "margin_shown_by",
    "mcnemar",
    "share_items_for",
    "sign_flip",
    "tango",
    "widest",
    "wilson",
]
