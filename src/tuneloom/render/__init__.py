"""Conversations to tokens: chat template, loss mask, packs, shards."""
