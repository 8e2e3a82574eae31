"""Routes of transcripts."""
