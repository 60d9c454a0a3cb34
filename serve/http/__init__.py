"""Samples over HTTP, at addresses that never change. Needs the extra ``dropgan[server]``."""
