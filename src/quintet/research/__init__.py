"""Questions about the past: backtests, made-up markets that are labelled so, reports.

Nothing here is imported by a running desk.
"""
