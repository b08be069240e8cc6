"""Imported where workers are forked from, so that none of them imports, compiles and loads the models by itself."""

from tuneloom.ingest import block
from tuneloom.text.language import detect_languages

detect_languages(["Warm."])

__all__ = ["block"]
