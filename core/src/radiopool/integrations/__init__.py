"""Mainstream HTTP libraries over any radio: `integrations.requests`, `integrations.httpx`. CPython only."""
