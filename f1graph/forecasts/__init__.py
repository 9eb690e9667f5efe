"""The product: make a forecast, store it, score it, walk through history with it."""
