"""Prices in CSV and Parquet files."""
