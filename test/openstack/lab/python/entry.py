"""Call a console script by its entry point: entry.py MODULE:FUNCTION [ARGUMENT...]"""
import importlib
import sys

module, _, function = sys.argv[1].partition(':')
sys.argv = [module, *sys.argv[2:]]
sys.exit(getattr(importlib.import_module(module), function)())
