"""The WSGI application that uwsgi serves: what LAB_APPLICATION (MODULE:FUNCTION) makes."""
import importlib
import os

module, _, function = os.environ['LAB_APPLICATION'].partition(':')
application = getattr(importlib.import_module(module), function)()
