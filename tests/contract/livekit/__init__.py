"""What the LiveKit ports promise, against a real livekit-server and its simulator alike."""
