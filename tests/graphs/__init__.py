"""Networks for the page, against torch."""
