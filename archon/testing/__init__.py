"""Conformance suites, usable by third parties."""
