"""Medians and spread."""

import statistics


def median(numbers):
    return statistics.median(numbers)


def spread(numbers):
    """The lowest and the highest."""
    return min(numbers), max(numbers)


def ratios(numbers, others):
    """Round by round: what the machine did to one round, it did to both."""
    return [a / b for a, b in zip(numbers, others) if b]


def of(samples, name):
    return [sample[name] for sample in samples]
