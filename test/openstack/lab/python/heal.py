"""Bring the cloud back to rest after a test, or half of one: every service enabled and up, every
server ACTIVE, no port bound to a second host. The hosts must run already.
"""
import sys
import time

from keystoneauth1 import exceptions

from cloud import Cloud, listed

LIMIT = 150     # seconds; a call to a host that had died may take 60 of them


def heal_service(compute, service):
    if service['forced_down'] or service['status'] == 'disabled':
        try:
            compute.put('/os-services/' + service['id'],
                        json={'status': 'enabled', 'forced_down': False})
        except exceptions.BadRequest:
            pass    # its host has not yet cleaned up after an evacuation
        return False
    return service['state'] == 'up'


def heal_server(compute, server):
    cure = {'VERIFY_RESIZE': [{'confirmResize': None}],
            'ERROR': [{'os-resetState': {'state': 'active'}}, {'reboot': {'type': 'HARD'}}],
            'SHUTOFF': [{'os-start': None}]}
    if server['OS-EXT-STS:task_state'] is None:
        for action in cure.get(server['status'], ()):
            compute.post('/servers/%s/action' % server['id'], json=action)
    return server['status'] == 'ACTIVE' and server['OS-EXT-STS:task_state'] is None


def heal_port(network, port, hosts):
    """A source that died in the middle of a live migration leaves the binding of its target."""
    path = '/v2.0/ports/%s/bindings' % port['id']
    for binding in listed(network, path):
        if binding['status'] == 'INACTIVE' and binding['host'] != hosts.get(port['device_id']):
            network.delete('%s/%s' % (path, binding['host']))


def at_rest(cloud):
    """One round; true when there was nothing left to do."""
    compute = cloud.compute
    services = listed(compute, '/os-services', binary='nova-compute')
    servers = listed(compute, '/servers/detail', all_tenants=1)
    return all([heal_service(compute, service) for service in services] +
               [heal_server(compute, server) for server in servers])


def main():
    cloud = Cloud()
    until = time.monotonic() + LIMIT
    while not at_rest(cloud):
        if time.monotonic() > until:
            sys.exit('services or servers are not at rest after %d s' % LIMIT)
        time.sleep(1)
    hosts = {server['id']: server['OS-EXT-SRV-ATTR:host']
             for server in listed(cloud.compute, '/servers/detail', all_tenants=1)}
    for port in listed(cloud.network, '/v2.0/ports'):
        heal_port(cloud.network, port, hosts)


if __name__ == '__main__':
    try:
        main()
    except exceptions.ClientException as error:
        sys.exit('%s: %s' % (type(error).__name__, error))
