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


def test_news_that_a_listener_causes_are_heard_and_end():
    events = Events()
    heard = []

    def cause_news():
        heard.append(1)
        events.notify()

    events.add_listener(cause_news)
    events.notify()
    assert len(heard) == 2
    events.notify()
    assert len(heard) == 4
