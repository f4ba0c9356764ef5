"""LangDB: accounts, questions about them, rendering, heads and failures."""
