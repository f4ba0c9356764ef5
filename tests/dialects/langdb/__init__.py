"""LangDB's own tests; what it shares with all dialects is in the conformance suite."""
