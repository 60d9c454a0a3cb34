"""Batch generation: any number of samples into shards, exactly once, on one machine or many."""

from .check import VerifyReport, verify
from .generate import Report, generate
from .job import FORMATS, Part

__all__ = ["FORMATS", "Part", "Report", "VerifyReport", "generate", "verify"]
