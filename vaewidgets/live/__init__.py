"""What every widget stands on: live keys, commands, the view, frames from the feed.

Never imports a widget.
"""
