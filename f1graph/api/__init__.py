"""The edge to the web: Starlette and Strawberry. Imports races and store only."""
