"""The compositor's protocols that pywayland does not bring, in its terms: who draws beside windows, and who copies the screen."""
