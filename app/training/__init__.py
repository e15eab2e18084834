"""Training of the extractive reader; nothing that serves imports it.

questions (and written ones) → neighbours → augmentation → mixture → encoding → trainer, which takes
steps of a run on the network → release. evaluation reads whole sets with a released reader and
reports their metrics. ``scripts/train_reader.py`` calls trainer, release and evaluation.
"""
