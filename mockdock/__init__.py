"""A local mock server for testing code that talks to LLM APIs."""
