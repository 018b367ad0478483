import pytest
import torch
from sklearn.linear_model import LogisticRegression

from vaewidgets.data import load_dataset
from vaewidgets.errors import OptionError, ShapeError
from vaewidgets.models import ConditionalVAE
from vaewidgets.runs import train


def small(**options):
    torch.manual_seed(0)
    return ConditionalVAE((1, 4, 4), 3, **{"n_classes": 4, "hidden": (8,), **options})


def test_the_class_is_a_one_hot_vector_beside_the_input():
    model = small().eval()
    x, z, labels = torch.rand(5, 1, 4, 4), torch.randn(5, 3), torch.tensor([0, 1, 2, 3, -1])
    one_hot = torch.cat([torch.eye(4), torch.zeros(1, 4)])
    whole = torch.cat([model.from_x.weight, model.from_class.weight], dim=1)
    h = torch.relu(torch.cat([x.flatten(1), one_hot], dim=1) @ whole.T + model.from_x.bias)
    torch.testing.assert_close(model.encode(x, labels)[0], model.to_mu(h))
    whole = torch.cat([model.from_z.weight, model.class_with_z.weight], dim=1)
    h = torch.relu(torch.cat([z, one_hot], dim=1) @ whole.T + model.from_z.bias)
    torch.testing.assert_close(model.decode_raw(z, labels).flatten(1), model.to_pixels(h))


def test_no_label_is_no_class_and_a_number_is_one_for_all():
    model = small().eval()
    x, z = torch.rand(5, 1, 4, 4), torch.randn(5, 3)
    none = torch.full((5,), -1)
    assert torch.equal(model.encode(x)[0], model.encode(x, none)[0])
    torch.testing.assert_close(model.decode(z), model.decode(z, none))
    torch.testing.assert_close(model.decode(z, 2), model.decode(z, torch.full((5,), 2)))
    assert not torch.allclose(model.decode(z, 2), model.decode(z, 3))


def test_labels_are_dropped_in_training_only():
    model = small(label_dropout=0.25)
    labels = torch.arange(4).repeat(2500)
    dropped = model.train().drop_labels(labels, torch.Generator().manual_seed(0))
    told = dropped >= 0
    assert torch.equal(dropped[told], labels[told])
    assert float((~told).float().mean()) == pytest.approx(0.25, abs=0.02)
    assert torch.equal(dropped, model.drop_labels(labels, torch.Generator().manual_seed(0)))
    assert torch.equal(model.eval().drop_labels(labels), labels)
    assert torch.equal(small(label_dropout=0).train().drop_labels(labels), labels)


def test_samples_of_a_class_are_recognised_as_that_class():
    data = load_dataset("digits", size=8)
    torch.manual_seed(0)
    model = ConditionalVAE(data.image_shape, 8, hidden=(128,))
    run = train(model, data, epochs=40, batch_size=64, lr=3e-3, seed=0, autosave=False)
    run.wait(progress=False)
    judge = LogisticRegression(max_iter=300)
    judge.fit(data.train.images(slice(None)).flatten(1).numpy(), data.train.labels.numpy())
    real = judge.score(data.test.images(slice(None)).flatten(1).numpy(), data.test.labels.numpy())
    assert real > 0.93  # the judge itself
    labels = torch.arange(10).repeat(100)
    z = torch.randn(1000, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        samples = model.eval().decode(z, labels).flatten(1)
        untold = model.decode(z).flatten(1)
    said = torch.as_tensor(judge.predict(samples.numpy()))
    assert float((said == labels).float().mean()) > 0.9
    said = torch.as_tensor(judge.predict(untold.numpy()))
    assert float((said == labels).float().mean()) < 0.3  # z alone does not say the class
    assert len(said.unique()) >= 8  # untold, it draws from all classes


def test_refusals():
    model = small()
    x = torch.rand(2, 1, 4, 4)
    with pytest.raises(ShapeError, match=r"labels have shape \(3,\); expected \(2,\)"):
        model.encode(x, torch.zeros(3, dtype=torch.int64))
    with pytest.raises(OptionError, match=r"labels run from 0 to 4; .* classes 0 to 3 .*n_classes=5"):
        model.encode(x, torch.tensor([0, 4]))
    with pytest.raises(OptionError, match=r"label_dropout is 1.5; expected a number from 0 to 1"):
        small(label_dropout=1.5)
    with pytest.raises(OptionError, match=r"hidden is \(\); expected at least one layer"):
        small(hidden=())
