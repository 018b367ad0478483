import numpy as np
import pytest
import torch
from torch import nn

from tests.runs.conftest import make_data, make_model, start, wait_until
from vaewidgets.engine.snapshot import Shell
from vaewidgets.errors import ProtocolError


def same(a, b):
    return all(
        torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    )


def test_a_snapshot_never_changes_and_is_in_eval_mode():
    run = start(epochs=None, eval_every=0)
    first = run.snapshot()
    kept = [t.clone() for t in first.model.state_dict().values()]
    assert wait_until(lambda: run.step > first.step + 20)
    second = run.snapshot()
    assert second.step > first.step
    assert not same(first.model, second.model)
    assert all(torch.equal(a, b) for a, b in zip(kept, first.model.state_dict().values(), strict=True))
    assert not first.model.training
    assert not any(p.requires_grad for p in first.model.parameters())
    assert first.model is not run.model
    run.close()


def test_it_is_taken_between_two_steps():
    """All parameters move together in this model: a torn copy would show."""

    class Twins(nn.Module):
        latent_dim, likelihood, image_shape = 1, "squared_error", (1, 4, 4)

        def __init__(self):
            super().__init__()
            self.twins = nn.ParameterList([nn.Parameter(torch.zeros(())) for _ in range(40)])

        def encode(self, x):
            shared = sum(self.twins)
            return shared.expand(len(x), 1), torch.zeros(len(x), 1)

        def decode_raw(self, z):
            return (sum(self.twins) + 0 * z).view(-1, 1, 1, 1).expand(-1, 1, 4, 4)

        decode = decode_raw

    run = start(model=Twins(), epochs=None, eval_every=0, lr=1e-2)
    for _ in range(100):
        values = {t.item() for t in run.snapshot().model.twins}
        assert len(values) == 1
    run.close()


def test_requests_do_not_block_and_are_served():
    run = start(epochs=None, eval_every=0)
    assert run.latest_snapshot is None or run.latest_snapshot.step >= 0
    step = run.step
    run.request_snapshot()
    assert wait_until(lambda: run.latest_snapshot is not None and run.latest_snapshot.step >= step)
    assert run.latest_snapshot is run.latest_snapshot or run.status == "running"
    run.close()
    run.request_snapshot()
    assert run.latest_snapshot.step == run.step
    assert run.latest_snapshot is run.latest_snapshot


def test_immediate_while_paused_and_after_the_end():
    run = start(epochs=None, start=False)
    run.advance(4)
    assert wait_until(lambda: run._gate._halted)
    assert run.snapshot(timeout=0).step == 4
    run.close()
    assert run.snapshot(timeout=0).step == 4


def test_a_step_that_does_not_end_times_out():
    model = make_model()
    encode, gate = model.encode, []
    run = start(model=model, epochs=None, eval_every=0, start=False)

    def slow(x):
        gate.append(1)
        wait_until(lambda: "go" in gate)
        return encode(x)

    model.encode = slow
    run.resume()
    assert wait_until(lambda: gate)
    with pytest.raises(TimeoutError, match=r"did not end within 0.05 s"):
        run.snapshot(timeout=0.05)
    gate.append("go")
    run.close()


def test_encode_decode_and_the_cache():
    data = make_data(n=2100, n_test=30)
    snapshot = start(data, start=False).snapshot()
    x = data.train.images(slice(None))
    mu, logvar = snapshot.encode(x)
    wanted = snapshot.model.encode(x)
    torch.testing.assert_close((mu, logvar), wanted)
    torch.testing.assert_close(snapshot.decode(mu), snapshot.model.decode(mu))
    assert not mu.requires_grad
    test_mu, _ = snapshot.encoded("test")
    torch.testing.assert_close(test_mu, snapshot.encode(data.test.images(slice(None)))[0])
    assert snapshot.encoded("test")[0] is test_mu
    some, _ = snapshot.encoded("train", [5, 2000])
    torch.testing.assert_close(some, mu[[5, 2000]])
    assert snapshot.encoded("train", np.array([5, 2000]))[0] is some
    assert repr(snapshot) == "Snapshot(step=0, epoch=0, MLPVAE)"


def test_tied_weights_buffers_and_shapes_survive():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(3, 3)
            self.b = nn.Linear(3, 3)
            self.b.weight = self.a.weight
            self.norm = nn.BatchNorm1d(3)
            self.register_buffer("scale", torch.ones(2), persistent=False)
            self.table = torch.arange(3)

    model = Odd()
    shell = Shell(model)
    model.norm(torch.randn(5, 3))
    with torch.no_grad():
        model.a.weight.fill_(7)
        model.scale.fill_(3)
    copy = shell.build(shell.clone(model, step=0, epoch=0))
    assert copy.b.weight is copy.a.weight
    assert copy.a.weight[0, 0] == 7
    assert copy.scale.tolist() == [3, 3]
    assert torch.equal(copy.norm.running_mean, model.norm.running_mean)
    assert copy.table.tolist() == [0, 1, 2]
    assert isinstance(copy.a.weight, nn.Parameter)


def test_a_model_that_grows_is_refused():
    model = make_model()
    shell = Shell(model)
    model.extra = nn.Linear(1, 1)
    with pytest.raises(ProtocolError, match="must keep its parameters and buffers"):
        shell.build(shell.clone(model, step=0, epoch=0))
