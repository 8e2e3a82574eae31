"""What every capability uses; imports none of them."""
