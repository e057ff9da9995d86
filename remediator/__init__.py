"""remediator repairs AWS CloudFormation templates and proves each repair."""

import sys

# `python -m remediator` makes the current folder the first place to import from, and that may be
# the repository to be looked at: a `yaml.py` there would run. So nothing is imported before the
# folder is off the path, not even `__future__`. While -m looks for a module, argv[0] is "-m":
# https://docs.python.org/3/using/cmdline.html#cmdoption-m
if sys.argv[:1] == ["-m"] and not sys.flags.safe_path:
    del sys.path[0]

__version__ = "0.1.0"
