"""From detections to key: sift, estimate, correct, verify, amplify, one typed step in each file.

Each step takes the type that the step before it returns. The leak in bits and the failure
probability ride along, so that bits which were not estimated, corrected and verified cannot be
amplified, and bits which were not amplified cannot become a key.
"""
