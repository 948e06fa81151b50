"""Sphinx: MyST chapters, the reference from docstrings, the state diagram from the transition table."""

import sys
from pathlib import Path

import radiopool

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "radiopool"
author = "the radiopool authors"
copyright = "2026, " + author
version = release = radiopool.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "plain_docstrings", "state_diagram"]
exclude_patterns = ["_build", "_generated"]  # the latter: parts that chapters include
templates_path = ["_templates"]
html_theme = "furo"
html_title = "radiopool " + release

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

# `word` in a docstring is code, not a reference.
default_role = "code"
autosummary_generate = True
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
# Annotations are quoted, with names that exist only while type checking.
autodoc_typehints_format = "short"
# ref.python: a class of the core and its namesake in compat; an annotation names it without its module.
suppress_warnings = ["sphinx_autodoc_typehints", "ref.python"]
