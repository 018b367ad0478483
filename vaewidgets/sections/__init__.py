"""Pure builders of the sections of a frame, from a recorder or a snapshot.

Never imports a widget or anything that sends.
"""
