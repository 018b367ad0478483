"""Callbacks for other people's training loops, and mirrors of a run in other people's dashboards.

Each module needs its own package and is imported by its name: ``from vaewidgets.integrations.lightning import
LatentCallback``. None of them ends a training: what fails is warned of once.

Never imports a widget of ours: which one is mirrored, the user says.
"""
