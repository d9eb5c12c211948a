"""Take hosts that have been stopped out of Nova and Placement: remove.py HOST..."""
import sys

from keystoneauth1 import exceptions

from cloud import Cloud, listed


def main():
    compute = Cloud().compute
    for service in listed(compute, '/os-services', binary='nova-compute'):
        if service['host'] in sys.argv[1:]:
            compute.delete('/os-services/' + service['id'])


if __name__ == '__main__':
    try:
        main()
    except exceptions.ClientException as error:
        sys.exit('%s: %s' % (type(error).__name__, error))
