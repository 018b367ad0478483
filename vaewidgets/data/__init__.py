"""Images and other items to learn from: data sets, their splits, and batches of them on a device.

Never imports a model or anything that trains.
"""

from vaewidgets.data.arrays import ArrayDataset
from vaewidgets.data.batches import Batches
from vaewidgets.data.classes import Classes
from vaewidgets.data.dataset import ImageDataset
from vaewidgets.data.items import Items
from vaewidgets.data.named import datasets_at_hand, load_dataset
from vaewidgets.data.sample import SAMPLE_POINTS, Sample
from vaewidgets.data.split import Split

__all__ = [
    "SAMPLE_POINTS",
    "ArrayDataset",
    "Batches",
    "Classes",
    "ImageDataset",
    "Items",
    "Sample",
    "Split",
    "datasets_at_hand",
    "load_dataset",
]
