"""What a voice session is and what may happen to it: attrs and the standard library, no I/O."""
