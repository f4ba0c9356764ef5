"""What the words look like: tokens, text, JSON, models."""
