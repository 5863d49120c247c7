"""Requests per second and percentiles of a realistic mix, on a healthy local stack."""
