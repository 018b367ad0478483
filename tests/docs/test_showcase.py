"""The gallery shows each widget that there is."""

from docs.showcase import WIDGETS
from vaewidgets import widgets as room
from vaewidgets.live.widget import LiveWidget


def test_every_public_widget_is_in_the_gallery():
    public = {
        name
        for name in room.__all__
        if isinstance(made := getattr(room, name), type) and issubclass(made, LiveWidget)
    }
    assert set(WIDGETS) == public
