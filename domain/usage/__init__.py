"""What sessions have used of models, and what that costs."""
