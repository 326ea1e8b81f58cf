"""From sound to text and back: microphone, voice activity, speech to text, spoken replies."""
