"""Images to learn from: data sets, their splits, and batches of them on a device."""

from vaewidgets.data.batches import Batches
from vaewidgets.data.dataset import ImageDataset
from vaewidgets.data.named import load_dataset
from vaewidgets.data.split import Split

__all__ = ["Batches", "ImageDataset", "Split", "load_dataset"]
