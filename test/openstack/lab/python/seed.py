"""Fill the cloud. Each step looks first, so that a second run changes nothing.

    seed.py identity     service accounts and endpoints, the operator lull, the tenants alpha (alice)
                         and beta (bob)
    seed.py tenants      flavors, image; in each tenant a network, a quota and a server group
    seed.py hosts N      exit 0 when N hosts are up (or forced down) and mapped to the cell
    seed.py servers N    boot N servers, half in each tenant
"""
import os
import sys
import time

from keystoneauth1 import exceptions

from cloud import Cloud, listed

SETTINGS = os.environ
SERVICES = (    # name, type, URL
    ('placement', 'placement', 'http://127.0.0.1:%(PLACEMENT_PORT)s' % SETTINGS),
    ('nova', 'compute', 'http://127.0.0.1:%(NOVA_PORT)s/v2.1' % SETTINGS),
    ('glance', 'image', 'http://127.0.0.1:%(GLANCE_PORT)s' % SETTINGS),
    ('neutron', 'network', 'http://127.0.0.1:%(NEUTRON_PORT)s' % SETTINGS),
    ('aodh', 'alarming', 'http://127.0.0.1:%(AODH_PORT)s' % SETTINGS),
)
OPERATOR = 'maintenance_operator'     # what it may do: docs/credentials.md
TENANTS = (('alpha', 'alice'), ('beta', 'bob'))
FLAVORS = (('m1.tiny', 1, 512, 1), ('m1.small', 1, 2048, 20), ('m1.medium', 2, 4096, 40))
QUOTA = {'instances': 100, 'cores': 400, 'ram': 1 << 20}    # 10 instances by default
SPREAD = 3      # the first servers of each tenant are in its anti-affinity group


def ensure(api, path, kind, name, query=None, **attributes):
    """The thing of that kind and name, made if need be."""
    for found in listed(api, path, **(query or {})):
        if found['name'] == name:
            return found
    return api.post(path, json={kind: {**attributes, 'name': name}}).json()[kind]


def identity():
    api = Cloud().identity
    roles = {role['name']: role['id'] for role in listed(api, '/roles')}

    def ensure_project(name):
        return ensure(api, '/projects', 'project', name, domain_id='default')['id']

    def ensure_user(name, project, role):
        user = ensure(api, '/users', 'user', name, domain_id='default',
                      password=SETTINGS['PASSWORD'])
        api.put('/projects/%s/users/%s/roles/%s' % (project, user['id'], roles[role]))

    service_project = ensure_project('service')
    present = {(e['service_id'], e['interface']) for e in listed(api, '/endpoints')}
    for name, kind, url in SERVICES:
        if name == 'aodh' and 'aodh' not in SETTINGS['EXTRAS'].split():
            continue
        ensure_user(name, service_project, 'admin')
        service = ensure(api, '/services', 'service', name, type=kind)['id']
        for interface in ('public', 'internal', 'admin'):
            if (service, interface) not in present:
                api.post('/endpoints', json={'endpoint': {
                    'service_id': service, 'interface': interface, 'url': url,
                    'region_id': SETTINGS['REGION']}})
    if OPERATOR not in roles:
        roles[OPERATOR] = api.post('/roles', json={'role': {'name': OPERATOR}}).json()['role']['id']
    ensure_user('lull', service_project, OPERATOR)
    for project, user in TENANTS:
        ensure_user(user, ensure_project(project), 'member')


def tenants():
    admin = Cloud()
    for name, vcpus, ram, disk in FLAVORS:
        ensure(admin.compute, '/flavors', 'flavor', name, vcpus=vcpus, ram=ram, disk=disk)
    ensure_image(admin.image)
    for number, (project, user) in enumerate(TENANTS, 1):
        tenant = Cloud(user, project)
        network = ensure(tenant.network, '/v2.0/networks', 'network', 'net')['id']
        ensure(tenant.network, '/v2.0/subnets', 'subnet', 'subnet', network_id=network,
               ip_version=4, cidr='10.%d.0.0/16' % number)
        ensure(tenant.compute, '/os-server-groups', 'server_group', 'spread', policy='anti-affinity')
        admin.compute.put('/os-quota-sets/' + tenant.project(), json={'quota_set': QUOTA})


def ensure_image(api):
    """Never read by a fake host, but Nova wants one that is active."""
    images = listed(api, '/v2/images', name='cirros')
    image = images[0] if images else api.post('/v2/images', json={
        'name': 'cirros', 'disk_format': 'raw', 'container_format': 'bare',
        'visibility': 'public'}).json()
    if image['status'] == 'queued':
        api.put('/v2/images/%s/file' % image['id'], data=b'not a real image',
                headers={'Content-Type': 'application/octet-stream'})


def hosts(count):
    compute = Cloud().compute
    mapped = {host['hypervisor_hostname'] for host in listed(compute, '/os-hypervisors')}
    alive = {service['host'] for service in listed(compute, '/os-services', binary='nova-compute')
             if service['state'] == 'up' or service['forced_down']}
    if len(mapped & alive) < count:
        sys.exit('%d hosts are up' % len(mapped & alive))


def servers(count):
    booted = []
    for (project, user), share in zip(TENANTS, (count - count // 2, count // 2)):
        tenant = Cloud(user, project)
        booted += [(tenant, server) for server in boot(tenant, project, share)]
    for tenant, server in booted:
        wait_until_built(tenant, server)


def boot(tenant, prefix, count):
    """Ask for those of the COUNT servers that do not exist yet; their ids."""
    present = {server['name'] for server in listed(tenant.compute, '/servers')}
    names = {number: '%s-%02d' % (prefix, number) for number in range(1, count + 1)}
    missing = [(number, name) for number, name in names.items() if name not in present]
    if not missing:
        return
    flavors = {flavor['name']: flavor['id'] for flavor in listed(tenant.compute, '/flavors')}
    image = listed(tenant.image, '/v2/images', name='cirros')[0]['id']
    network = listed(tenant.network, '/v2.0/networks', name='net')[0]['id']
    group = next(g['id'] for g in listed(tenant.compute, '/os-server-groups') if g['name'] == 'spread')
    for number, name in missing:
        spread = number <= SPREAD
        body = {'server': {
            'name': name, 'imageRef': image, 'networks': [{'uuid': network}],
            'flavorRef': flavors[FLAVORS[number % len(FLAVORS)][0]],
            'metadata': {'tier': 'web' if spread else 'batch'}}}
        if spread:
            body['os:scheduler_hints'] = {'group': group}
        yield tenant.compute.post('/servers', json=body).json()['server']['id']


def wait_until_built(tenant, server_id, limit=180):
    until = time.monotonic() + limit
    while True:
        server = tenant.compute.get('/servers/' + server_id).json()['server']
        if server['status'] == 'ACTIVE':
            return
        if server['status'] == 'ERROR' or time.monotonic() > until:
            sys.exit('server %s is %s: %s' % (
                server['name'], server['status'], server.get('fault', {}).get('message')))
        time.sleep(0.2)


def main():
    steps = {'identity': identity, 'tenants': tenants, 'hosts': hosts, 'servers': servers}
    if len(sys.argv) < 2 or sys.argv[1] not in steps:
        sys.exit(__doc__)
    try:
        steps[sys.argv[1]](*map(int, sys.argv[2:]))
    except exceptions.ClientException as error:
        sys.exit('%s: %s' % (type(error).__name__, error))


if __name__ == '__main__':
    main()
