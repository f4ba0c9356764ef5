"""How each provider speaks."""
