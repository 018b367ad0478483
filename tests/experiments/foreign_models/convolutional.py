"""Models of images."""

from __future__ import annotations

import sys

from tests.experiments.foreign_models.entry import (
    BATCH_SUMS,
    COLOR,
    GREY,
    GREY32,
    Foreign,
    args,
    decode_logits,
    decoder,
    encode,
    encoder,
)
from tests.experiments.foreign_models.flat import CPU, SUMS, log_std, variance
from vaewidgets import LossConvention

MEANS = LossConvention(recon="pixel_mean")
TO_RGB = (-1.0, 1.0)


def side_by_side(model, x):
    """(mu, logvar) of an encoder of width 2 d."""
    return flat(model.encode(x).flatten(1).chunk(2, 1))


def flat(pair):
    mu, logvar = pair
    return mu.flatten(1), logvar.flatten(1)


def _projected(model, z):
    size = model.feature_size
    return model.decoder(model.project(z).view(-1, model.kernel_num, size, size))


def _konny(model, x):
    return model._encode(x).chunk(2, 1)


def _res_vae(model, x):
    _, mu, logvar = model.encoder(x)
    return flat((mu, logvar))


def _bolts(model, x):
    features = model.encoder(x)
    return model.fc_mu(features), model.fc_var(features)


def _hotaj(model, x):
    mu, log_scale = model._encoder(x).chunk(2, 1)
    return flat((mu, 2 * log_scale))


def _moments(model, x):
    q = model.encode(x)
    q = getattr(q, "latent_dist", q)
    return flat((q.mean, q.logvar))


def _unflattened(z, *shape):
    return z.view(len(z), *shape)


def _ldm(n):
    config = {
        "double_z": True, "z_channels": 4, "resolution": 32, "in_channels": 3, "out_ch": 3, "ch": 32,
        "ch_mult": [1, 2], "num_res_blocks": 1, "attn_resolutions": [], "dropout": 0.0,
    }  # fmt: skip
    return n.AutoencoderKL(config, {"target": "torch.nn.Identity"}, embed_dim=4)


def _diffusers(n):
    return n.AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        block_out_channels=(16, 32),
        norm_num_groups=8,
        sample_size=32,
    )


CONVOLUTIONAL = (
    Foreign("1Konny/Beta-VAE", "model.py", lambda n: n.BetaVAE_H(10, 3), _konny,
            lambda m, z: m._decode(z).sigmoid(), COLOR, losses=SUMS, weights=(1.0, 4.0)),
    Foreign("1Konny/Beta-VAE", "model.py", lambda n: n.BetaVAE_B(10, 1), _konny,
            lambda m, z: m._decode(z).sigmoid(), (1, 64, 64), losses=SUMS, weights=(1.0, 4.0)),
    Foreign("1Konny/FactorVAE", "model.py", lambda n: n.FactorVAE1(10), side_by_side,
            lambda m, z: m.decode(z[..., None, None]).sigmoid(), (1, 64, 64), losses=SUMS),
    Foreign("coolvision/vae_conv", "vae_conv_model_mnist.py", lambda n: n.VAE(20),
            losses=BATCH_SUMS, weights=(1.0, 3.0), given={"ngf": 16, "ndf": 16}),
    Foreign("debtanu177/CVAE_MNIST", "train_vae.py", lambda n: n.Model(5), encoder, decoder, recon="se",
            losses=LossConvention(recon="batch_sum", kl="latent_mean"), given=CPU),
    Foreign("dfdazac/vaesbd", "model.py", lambda n: n.VAE(64, "deconv"), encoder, decoder, COLOR, recon="se",
            losses=LossConvention(recon_factor=10.0), line={"output": "mean"}, batch=4),
    Foreign("dfdazac/vaesbd", "model.py", lambda n: n.VAE(64, "sbd"), encoder, decoder, COLOR, recon="se",
            losses=LossConvention(recon_factor=10.0), line={"output": "mean"}, batch=2),
    Foreign("kuc2477/pytorch-vae", "model.py", lambda n: n.VAE("mnist", 32, 1, 32, 10),
            lambda m, x: m.q(m.encoder(x)), _projected, GREY32, losses=SUMS),
    Foreign("SashaMalysheva/Pytorch-VAE", "model.py", lambda n: n.VAE("mnist", 32, 1, 32, 10),
            lambda m, x: m.q(m.encoder(x)), _projected, GREY32, losses=LossConvention(kl="latent_mean")),
    Foreign("nadavbh12/VQ-VAE", "vq_vae/auto_encoder.py", lambda n: n.CVAE(4), shape=(3, 32, 32),
            value_range=TO_RGB, recon="se", losses=LossConvention(recon="pixel_mean", kl="pixel_mean"),
            weights=(1.0, 0.1)),
    Foreign("noctrog/conv-vae", "model.py", lambda n: n.VAE((3, 64, 64), 16),
            lambda m, x: m.forward_encoder(x), lambda m, z: m.forward_decoder(z), COLOR, recon="se",
            losses=MEANS, weights=(1e4, 1.0)),
    Foreign("podgorskiy/VAE", "net.py", lambda n: n.VAE(16, 2, 3), shape=(3, 16, 16), value_range=TO_RGB,
            recon="se", losses=LossConvention(recon="pixel_mean", kl="latent_mean")),
    Foreign("sksq96/pytorch-vae", "vae.py", lambda n: n.VAE(),
            lambda m, x: (m.fc1(m.encoder(x)), m.fc2(m.encoder(x))), lambda m, z: m.decoder(m.fc3(z)), COLOR),
    Foreign("LukeDitria/CNN-VAE", "RES_VAE.py", lambda n: n.VAE(3, 8, 16), _res_vae,
            lambda m, z: m.decoder(z[..., None, None]), COLOR, value_range=TO_RGB, recon="se",
            losses=LossConvention(recon="pixel_mean", kl="latent_mean")),
    Foreign("YannDubs/disentangling-vae", "disvae/models/vae.py",
            lambda n: n.VAE((1, 32, 32), n.get_encoder("Burgess"), n.get_decoder("Burgess"), 10),
            encoder, decoder, GREY32, losses=SUMS),
    Foreign("Lightning-Universe/lightning-bolts",
            "src/pl_bolts/models/autoencoders/basic_vae/basic_vae_module.py",
            lambda n: n.VAE(32, latent_dim=16), _bolts, decoder, (3, 32, 32), recon="se", root="src",
            before=("src/pl_bolts/models/autoencoders/components.py",),
            given={"_HTTPS_AWS_HUB": "", "under_review": lambda: lambda made: made},
            losses=LossConvention(recon="pixel_mean", kl="latent_mean", kl_weight=0.1), batch=4),
    Foreign("ctallec/world-models", "models/vae.py", lambda n: n.VAE(3, 32), log_std(encoder), decoder, COLOR,
            recon="se", losses=BATCH_SUMS, line={"spread": "logstd"}),
    Foreign("Schlumberger/joint-vae", "jointvae/models.py", lambda n: n.VAE((1, 32, 32), {"cont": 10}),
            lambda m, x: m.encode(x)["cont"], shape=GREY32, losses=SUMS,
            line={"encode": lambda m, x: m.encode(x)["cont"]}),
    Foreign("matthew-liu/beta-vae", "models.py", lambda n: n.BetaVAE(), shape=COLOR, losses=SUMS),
    Foreign("matthew-liu/beta-vae", "models.py", lambda n: n.DFCVAE(), shape=COLOR, losses=SUMS),
    Foreign("riannevdberg/sylvester-flows", "models/VAE.py",
            lambda n: n.VAE(args(z_size=16, input_size=[1, 28, 28], input_type="binary", cuda=False)),
            variance(encode), line={"spread": "var"}),
    Foreign("atinghosh/VAE-pytorch", "VAE_celeba.py", lambda n: n.VAE(),
            lambda m, x: flat(m.encode(x)), lambda m, z: m.decode(_unflattened(z, 16, 8, 8)), (3, 128, 128),
            losses=LossConvention(recon="pixel_mean", kl="pixel_mean"), batch=4),
    Foreign("amir-abdi/disentanglement-pytorch", "models/vae.py",
            lambda n: n.VAEModel(n.encoders.SimpleGaussianConv64(10, 3, 64),
                                 n.decoders.SimpleConv64(10, 3, 64)), shape=COLOR, losses=SUMS),
    Foreign("nmichlo/disent", "disent.model.ae", lambda n: sys.modules["disent.model"].AutoEncoder(
            n.EncoderConv64((3, 64, 64), 6, 2), n.DecoderConv64((3, 64, 64), 6)),
            side_by_side, decode_logits, COLOR, recon="se", losses=MEANS),
    Foreign("EugenHotaj/pytorch-generative", "pytorch_generative.models.vae.vae", lambda n: n.VAE(),
            _hotaj, lambda m, z: m._decoder(_unflattened(z, 16, 7, 7)).sigmoid(), losses=SUMS,
            line={"encode": _hotaj, "decode": lambda m, z: m._decoder(_unflattened(z, 16, 7, 7))}),
    Foreign("taldatech/soft-intro-vae-pytorch", "soft_intro_vae/train_soft_intro_vae.py",
            lambda n: n.SoftIntroVAE(3, 16, (16, 32, 32), 32), shape=(3, 32, 32), recon="se",
            losses=SUMS, line={"output": "mean"}),
    Foreign("CompVis/latent-diffusion", "ldm/models/autoencoder.py", _ldm, _moments,
            lambda m, z: m.decode(_unflattened(z, 4, 16, 16)), (3, 32, 32), value_range=TO_RGB, recon=None,
            losses=SUMS, before=("ldm/util.py", "ldm/modules/diffusionmodules/model.py",
                                 "ldm/modules/distributions/distributions.py")),
    Foreign("huggingface/diffusers", "diffusers.models.autoencoders.autoencoder_kl", _diffusers, _moments,
            lambda m, z: m.decode(_unflattened(z, 4, 16, 16)).sample, (3, 32, 32), value_range=TO_RGB,
            recon="se", losses=LossConvention(recon="pixel_mean"), weights=(1.0, 1e-6), root="src"),
)  # fmt: skip


def antixk(kind, recon="se"):
    """A model of PyTorch-VAE: images in [0, 1], tanh, and a KL that is logged with its sign turned."""
    return Foreign(
        "AntixK/PyTorch-VAE", "models", lambda n: getattr(n, kind)(3, 16), shape=COLOR, recon=recon,
        losses=LossConvention(recon="pixel_mean", kl_sign=-1), weights=(1.0, -0.00025),
    )  # fmt: skip


PYTORCH_VAE = (
    antixk("VanillaVAE"),
    antixk("BetaVAE"),
    antixk("LogCoshVAE", None),
    antixk("InfoVAE"),
    antixk("WAE_MMD"),
)


def pythae(kind, config, **options):
    """A model of pythae, installed as a package."""

    def make(n):
        return getattr(n, kind)(getattr(n, config)(input_dim=(1, 28, 28), latent_dim=8, **options))

    def posterior(m, x):
        code = m.encoder(x)
        return code.embedding, code.log_covariance

    return Foreign(
        "pythae", "pythae.models", make, posterior,
        lambda m, z: m.decoder(z).reconstruction, GREY, recon="se",
        losses=LossConvention(recon_factor=0.5),
    )  # fmt: skip


PYTHAE = (
    pythae("VAE", "VAEConfig"),
    pythae("BetaVAE", "BetaVAEConfig"),
    pythae("BetaTCVAE", "BetaTCVAEConfig"),
    pythae("IWAE", "IWAEConfig"),
)
