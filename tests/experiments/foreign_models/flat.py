"""Models of vectors: the image is flattened, or flattens itself."""

from __future__ import annotations

import torch

from tests.experiments.foreign_models.entry import (
    BATCH_SUMS,
    Foreign,
    Pair,
    args,
    decode_logits,
    decoder,
    encode_flat,
    encoder,
)
from vaewidgets import LossConvention

SUMS = LossConvention()
CPU = {"device": torch.device("cpu")}


def flat_encoder(model, x):
    return encoder(model, x.flatten(1))


def std(posterior):
    """The truth of an encoder whose second result is a standard deviation."""

    def read(model, x):
        mu, scale = posterior(model, x)
        return mu, 2 * scale.log()

    return read


def log_std(posterior):
    def read(model, x):
        mu, log_scale = posterior(model, x)
        return mu, 2 * log_scale

    return read


def variance(posterior):
    def read(model, x):
        mu, var = posterior(model, x)
        return mu, var.log()

    return read


def of_normal(q):
    return q.loc, 2 * q.scale.log()


def _wohlert(model, x):
    _, mu, logvar = model.encoder(x.flatten(1))
    return mu, logvar


def _vampprior(prior):
    return lambda n: n.VAE(
        args(input_size=[1, 28, 28], z1_size=10, input_type="binary", prior=prior, cuda=False,
             number_components=5, use_training_data_init=False, pseudoinputs_mean=0.05, pseudoinputs_std=0.01)
    )  # fmt: skip


FLAT = (
    Foreign("pytorch/examples", "vae/main.py", lambda n: n.VAE(), encode_flat),
    Foreign("ANLGBOY/VAE-with-PyTorch", "main.py", lambda n: n.VAE(), encode_flat, given={"Z_DIM": 2}),
    Foreign(
        "L1aoXingyu/pytorch-beginner",
        "08-AutoEncoder/Variational_autoencoder.py",
        lambda n: n.VAE(),
        encode_flat,
        recon="se",
    ),
    Foreign("hujinsen/pytorch_VAE_CVAE", "vae.py", lambda n: n.VAE(), encode_flat),
    Foreign(
        "yunjey/pytorch-tutorial",
        "tutorials/03-advanced/variational_autoencoder/main.py",
        lambda n: n.VAE(),
        encode_flat,
    ),
    Foreign(
        "geyang/variational_autoencoder_pytorch",
        "model.py",
        lambda n: n.VariationalAutoEncoder(),
        flat_encoder,
        decoder,
        losses=SUMS,
    ),
    Foreign(
        "graviraja/pytorch-sample-codes",
        "simple_vae.py",
        lambda n: n.VAE(n.Encoder(784, 256, 50), n.Decoder(50, 256, 784)),
        lambda m, x: m.enc(x.flatten(1)),
        lambda m, z: m.dec(z),
    ),
    Foreign(
        "timbmg/VAE-CVAE-MNIST",
        "models.py",
        lambda n: n.VAE([784, 256], 2, [256, 784]),
        flat_encoder,
        lambda m, z: m.decoder(z, None),
        losses=SUMS,
    ),
    Foreign(
        "ethanluoyc/pytorch-vae",
        "vae.py",
        lambda n: n.VAE(n.Encoder(784, 128, 8), n.Decoder(8, 128, 784)),
        lambda m, x: of_normal(m.encoder(x.flatten(1))),
        lambda m, z: m.decoder(z).mean,
        value_range=(-0.5, 0.5),
        recon="gaussian",
    ),
    Foreign(
        "kamenbliznashki/generative_models",
        "basic_vae.py",
        lambda n: n.VAE(args(x_dim=784, hidden_dim=128, z_dim=20)),
        lambda m, x: of_normal(m.encode(x.flatten(1))),
        lambda m, z: m.decode(z).probs,
        losses=SUMS,
    ),
    Foreign(
        "nicola-decao/s-vae-pytorch",
        "examples/mnist.py",
        lambda n: n.ModelVAE(h_dim=128, z_dim=5),
        std(encode_flat),
        decode_logits,
        losses=SUMS,
        line={"spread": "std"},
    ),
    Foreign(
        "dragen1860/pytorch-mnist-vae",
        "vae.py",
        lambda n: Pair(n.Encoder(784, 128, 10, 0.9), n.Decoder(10, 128, 784, 0.9)),
        std(flat_encoder),
        decoder,
        losses=SUMS,
        line={"spread": "std"},
    ),
    Foreign(
        "dragen1860/pytorch-mnist-vae",
        "vae2.py",
        lambda n: Pair(n.Encoder(784, 128, 10), n.Decoder(10, 128, 784)),
        log_std(flat_encoder),
        decoder,
        recon="se",
        losses=SUMS,
        line={"spread": "logstd"},
    ),
    Foreign(
        "wohlert/semi-supervised-pytorch",
        "semi-supervised/models/vae.py",
        lambda n: n.VariationalAutoencoder([784, 32, [256, 128]]),
        _wohlert,
        decoder,
        losses=SUMS,
        root="semi-supervised",
    ),
    Foreign(
        "jmtomczak/vae_vampprior",
        "models/VAE.py",
        _vampprior("standard"),
        lambda m, x: m.q_z(x.flatten(1)),
        lambda m, z: m.p_x(z)[0],
        losses=SUMS,
        line={"encode": lambda m, x: m.q_z(x.flatten(1)), "decode": lambda m, z: m.p_x(z)[0]},
    ),
    Foreign(
        "GuHongyang/VaDE-pytorch",
        "model.py",
        lambda n: n.VaDE(args(nClusters=10, hid_dim=10, cuda=False)),
        flat_encoder,
        decoder,
        losses=SUMS,
        line={"prior": "learned"},
    ),
    Foreign(
        "chendaichao/VAE-pytorch",
        "Models/VAE/model.py",
        lambda n: n.VAE((1, 28, 28), nhid=4),
        encoder,
        decoder,
        losses=BATCH_SUMS,
        given=CPU,
    ),
    Foreign(
        "explainingai-code/VAE-Pytorch",
        "run_simple_vae.py",
        lambda n: n.VAEModel(),
        value_range=(-1.0, 1.0),
        recon="se",
        losses=LossConvention(recon="pixel_mean"),
        weights=(1.0, 1e-5),
    ),
)
