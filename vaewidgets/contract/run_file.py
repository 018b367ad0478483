"""What a run file is named inside, for who reads it with torch, without it, and in the page."""

KEY = "vaewidgets"  # of the facts, in the metadata of a safetensors file
FORMAT = 1
PAGE = "page"  # of what a page shows of the run: a fact, and the beginning of its tensors' names
