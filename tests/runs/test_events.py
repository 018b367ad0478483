from vaewidgets.runs.events import Events


def test_listeners_come_and_go_and_may_raise(caplog):
    events = Events()
    calls = []

    def bad():
        raise RuntimeError("drawing failed")

    events.add_listener(bad)
    remove = events.add_listener(lambda: calls.append(len(calls)))
    events.notify()
    remove()
    remove()
    events.notify()
    assert calls == [0]
    assert "drawing failed" in caplog.text
