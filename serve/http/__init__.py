"""Serve samples over HTTP at permanent addresses. Needs the extra ``dropgan[server]``."""
