"""What Python and the page must agree on, written once.

Never imports anything of the package but the errors.
"""
