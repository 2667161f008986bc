"""What a person should do about a reject: advice that is exact or absent, never a guess."""
