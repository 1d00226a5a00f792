"""What a trained model has to beat: classical methods, and linear ones that learn from the same damaged pictures."""
