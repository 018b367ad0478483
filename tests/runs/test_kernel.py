"""In a real kernel: running a cell again, the end of a cell, what a waiting cell prints."""

import os
import textwrap

import pytest

client_module = pytest.importorskip("jupyter_client.manager")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

PREPARE = """
    from tests.runs.conftest import make_data, make_model, start, wait_until
    from vaewidgets.runs import attach
    runs = []
"""


class Kernel:
    def __init__(self, client):
        self.client = client

    def run(self, code, cell="cell"):
        """Execute as JupyterLab does, with the cell's id; return what it printed and the kinds of output."""
        session = self.client.session
        content = {
            "code": textwrap.dedent(code),
            "silent": False,
            "store_history": True,
            "allow_stdin": False,
        }
        message = session.msg("execute_request", content, metadata={"cellId": cell})
        self.client.shell_channel.send(message)
        text, kinds = "", []
        while True:
            got = self.client.get_iopub_msg(timeout=60)
            if got["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            kind, body = got["msg_type"], got["content"]
            if kind == "status" and body["execution_state"] == "idle":
                return text, kinds
            if kind == "error":
                raise AssertionError("\n".join(body["traceback"]))
            if kind == "stream":
                kinds.append(body["name"])
                text += body["text"]
            elif kind in ("display_data", "execute_result"):
                kinds.append(kind)
                text += body["data"].get("text/plain", "")


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    environment = {
        **os.environ,
        "VAEWIDGETS_CACHE": str(tmp_path_factory.mktemp("cache")),
        "PYTHONPATH": os.getcwd(),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    manager, client = client_module.start_new_kernel(kernel_name="python3", env=environment)
    kernel = Kernel(client)
    try:
        kernel.run(PREPARE)
        yield kernel
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_running_a_cell_again_stops_its_run_and_no_other(kernel):
    code = "runs.append(start(epochs=None, eval_every=0)); print([run.status for run in runs])"
    assert kernel.run(code, "a")[0] == "['running']\n"
    assert kernel.run(code, "b")[0] == "['running', 'running']\n"
    assert kernel.run(code, "a")[0] == "['stopped', 'running', 'running']\n"
    kernel.run("[run.close() for run in runs]")


def test_a_cell_that_waits_prints_no_stream_and_a_stable_result(kernel):
    text, kinds = kernel.run("run = start(epochs=3)\nrun.wait()")
    assert kinds.count("stderr") == kinds.count("stdout") == 0
    assert text.endswith("TrainingRun('MLPVAE on noise')")


def test_a_cell_that_awaits(kernel):
    text, _ = kernel.run("run = start(epochs=3)\nprint((await run).status)")
    assert text == "finished\n"


def test_the_end_of_a_cell_ends_its_loop(kernel):
    kernel.run(
        """
        attached = attach(make_model(), make_data())
        for i in range(10):
            attached.log(loss=float(i))
        assert attached.status == "running"
        """
    )
    assert kernel.run("print(attached.status, attached.snapshot(timeout=0).step)")[0] == "finished 10\n"
