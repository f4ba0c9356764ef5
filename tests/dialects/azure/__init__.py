"""Azure OpenAI: parsing, rendering, heads and failures."""
