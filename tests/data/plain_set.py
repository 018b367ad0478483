"""A torch data set of items that are at hand."""

from __future__ import annotations

from torch.utils.data import Dataset


class Items(Dataset):
    def __init__(self, items, **attributes):
        self.items = items
        self.__dict__.update(attributes)

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]
