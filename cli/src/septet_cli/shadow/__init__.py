"""Runs a share of live traffic through a changed system, beside the live one."""
