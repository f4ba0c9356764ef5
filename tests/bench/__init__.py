"""What mockdock costs, measured beside the same thing without it."""
