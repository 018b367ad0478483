"""What Python and the page must agree on, written once. Imports nothing of the package but errors."""
