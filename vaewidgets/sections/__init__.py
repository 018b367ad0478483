"""Pure builders of the sections of a frame, from a recorder or a snapshot. Imports no widget."""
