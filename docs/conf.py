"""Sphinx settings of the site; `python -m docs.build` gathers its sources and calls Sphinx with them."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import vaewidgets

project = "vaewidgets"
author = "The vaewidgets developers"
project_copyright = author
release = version = vaewidgets.__version__
language = "en"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "docs.mathml", "docs.names"]
html_theme = "furo"
html_title = "vaewidgets"
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True}
pygments_style = "friendly"
pygments_dark_style = "github-dark"

# Executed before Sphinx sees them, with the widgets' state: see docs/build.py.
nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "amsmath", "deflist"]
myst_heading_anchors = 3

autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_inherit_docstrings = False
napoleon_google_docstring = False
napoleon_use_param = False
napoleon_use_rtype = False
napoleon_use_ivar = True
python_use_unqualified_type_names = True
default_role = "name"  # of single backticks in docstrings: see docs/names.py

nitpicky = True
# Annotations name what is described on other packages' pages, or does not concern a reader.
nitpick_ignore_regex = [("py:class", ".*"), ("py:obj", r"(?!vaewidgets\.).*")]
# Two classes of one name: only annotations of names that exist for type checkers alone meet this.
suppress_warnings = ["ref.python"]
