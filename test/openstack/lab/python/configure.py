"""Write every configuration file below $LAB/etc, and clouds.yaml. Settings come from settings.sh."""
import os
import shutil

SETTINGS = os.environ
LAB = SETTINGS['LAB']
ETC, VAR = LAB + '/etc', LAB + '/var'
PASSWORD = SETTINGS['PASSWORD']
AODH = 'aodh' in SETTINGS['EXTRAS'].split()
AUTH_URL = 'http://127.0.0.1:%(KEYSTONE_PORT)s/v3' % SETTINGS
CACHE = '127.0.0.1:%(CACHE_PORT)s' % SETTINGS
BUS = 'rabbit://lab:%(PASSWORD)s@127.0.0.1:%(MQ_PORT)s/' % SETTINGS
CLOUDS = {'lab-admin': ('admin', 'admin'), 'lab-operator': ('lull', 'service'),
          'lab-alice': ('alice', 'alpha'), 'lab-bob': ('bob', 'beta')}
POLICY = os.path.abspath(os.path.join(os.path.dirname(__file__), *['..'] * 4, 'docs', 'policy'))


def database(name):
    return {'connection': 'mysql+pymysql://lab:%s@127.0.0.1:%s/%s?charset=utf8' % (
        PASSWORD, SETTINGS['DB_PORT'], name)}


def account(user):
    """How a service authenticates itself."""
    return {
        'auth_type': 'password', 'auth_url': AUTH_URL, 'username': user, 'password': PASSWORD,
        'project_name': 'service', 'user_domain_name': 'Default', 'project_domain_name': 'Default',
        'region_name': SETTINGS['REGION'],
    }


def callers(user):
    """How a service checks its callers' tokens: the section keystone_authtoken."""
    return {'www_authenticate_uri': AUTH_URL, 'memcached_servers': CACHE, **account(user)}


def policy(service):
    """A copy of the file that docs/credentials.md gives to operators."""
    return {'policy_file': '%s/%s/policy.yaml' % (ETC, service)}


def keystone():
    return {
        'database': database('keystone'),
        'token': {'provider': 'fernet', 'expiration': 14400},
        'fernet_tokens': {'key_repository': ETC + '/keystone/fernet'},
        'fernet_receipts': {'key_repository': ETC + '/keystone/fernet'},   # else below /etc
        'credential': {'key_repository': ETC + '/keystone/credential'},
        'identity': {'password_hash_rounds': 4},    # 12 by default, and most of a login's time
        'cache': {'enabled': 'true', 'backend': 'dogpile.cache.memcached', 'memcache_servers': CACHE},
    }


def placement():
    return {
        'placement_database': database('placement'),
        'api': {'auth_strategy': 'keystone'},
        'keystone_authtoken': callers('placement'),
        'oslo_policy': policy('placement'),
    }


def nova_compute():
    """A host knows no database: given one, it tries it, and is refused by its own guard."""
    return {
        'DEFAULT': {
            'my_ip': '127.0.0.1',
            'osapi_compute_listen': '127.0.0.1',
            'transport_url': BUS,
            'state_path': VAR + '/nova',
            'instances_path': VAR + '/nova',
            'compute_driver': 'hypervisor.Hypervisor',
            'cpu_allocation_ratio': SETTINGS['CPU_RATIO'],
            'report_interval': SETTINGS['REPORT_INTERVAL'],
            'service_down_time': SETTINGS['SERVICE_DOWN_TIME'],
            'periodic_fuzzy_delay': 1,      # 60 by default, before new hosts are looked for at all
            'graceful_shutdown_timeout': 3,
            'shelved_offload_time': -1,     # 0 by default: there would be nothing shelved on a host
            'vif_plugging_timeout': 0,
            'vif_plugging_is_fatal': 'false',
        },
        'conductor': {'workers': 1},
        'scheduler': {'workers': 1, 'discover_hosts_in_cells_interval': 3},
        'filter_scheduler': {'enabled_filters': ','.join((
            'ComputeFilter', 'ComputeCapabilitiesFilter', 'ImagePropertiesFilter',
            'AggregateInstanceExtraSpecsFilter', 'ServerGroupAntiAffinityFilter',
            'ServerGroupAffinityFilter', 'SameHostFilter', 'DifferentHostFilter'))},
        'compute': {'live_migration_wait_for_vif_plug': 'false'},
        'vnc': {'enabled': 'false'},
        'oslo_concurrency': {'lock_path': VAR + '/locks'},
        'placement': account('placement'),
        'neutron': account('neutron'),
        'glance': {'region_name': SETTINGS['REGION']},
        'cinder': {'os_region_name': SETTINGS['REGION']},
        'keystone_authtoken': callers('nova'),
    }


def nova():
    common = nova_compute()
    common['DEFAULT']['reclaim_instance_interval'] = SETTINGS['RECLAIM_INTERVAL']
    return {**common, 'api_database': database('nova_api'), 'database': database('nova'),
            'oslo_policy': policy('nova')}


def glance():
    return {
        'DEFAULT': {
            'bind_host': '127.0.0.1', 'bind_port': SETTINGS['GLANCE_PORT'], 'workers': 0,
            'enabled_backends': 'local:file', 'graceful_shutdown_timeout': 3,
        },
        'database': database('glance'),
        'glance_store': {'default_backend': 'local'},
        'local': {'filesystem_store_datadir': VAR + '/images'},
        'os_glance_staging_store': {'filesystem_store_datadir': VAR + '/images/staging'},
        'os_glance_tasks_store': {'filesystem_store_datadir': VAR + '/images/tasks'},
        'paste_deploy': {'flavor': 'keystone', 'config_file': ETC + '/glance/glance-api-paste.ini'},
        'keystone_authtoken': callers('glance'),
    }


def neutron():
    return {
        'DEFAULT': {
            'bind_host': '127.0.0.1', 'bind_port': SETTINGS['NEUTRON_PORT'],
            'api_paste_config': ETC + '/neutron/api-paste.ini',
            'core_plugin': 'ml2', 'service_plugins': '',
            'api_workers': 1, 'rpc_workers': 0, 'rpc_state_report_workers': 0,
            'transport_url': BUS, 'state_path': VAR, 'graceful_shutdown_timeout': 3,
            'notify_nova_on_port_status_changes': 'false',
            'notify_nova_on_port_data_changes': 'false',
        },
        'database': database('neutron'),
        'oslo_concurrency': {'lock_path': VAR + '/locks'},
        'ml2': {
            'type_drivers': 'vxlan,local', 'tenant_network_types': 'vxlan',
            'mechanism_drivers': 'lab', 'extension_drivers': 'port_security',
        },
        'ml2_type_vxlan': {'vni_ranges': '1:1000'},
        'nova': account('nova'),
        'keystone_authtoken': callers('neutron'),
        'oslo_policy': policy('neutron'),
    }


def aodh():
    return {
        'DEFAULT': {'transport_url': BUS, 'evaluation_interval': 10,
                    'event_alarm_cache_ttl': 0},    # 60 by default, and a new alarm is not seen so long
        'api': {'paste_config': ETC + '/aodh/api-paste.ini'},
        'database': database('aodh'),
        'listener': {'event_alarm_topic': 'alarm.all'},
        'evaluator': {'workers': 1},
        'notifier': {'workers': 1},
        'service_credentials': {**account('aodh'), 'interface': 'public'},
        'keystone_authtoken': callers('aodh'),
        'oslo_policy': policy('aodh'),
    }


def write(path, text):
    path = os.path.join(LAB, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w') as file:
        file.write(text)


def write_conf(path, sections):
    write('etc/' + path, ''.join(
        '[%s]\n%s\n' % (name, ''.join('%s = %s\n' % option for option in options.items()))
        for name, options in sections.items()))


def write_pipelines():
    """Debian's own api-paste.ini files."""
    share = VAR + '/packages/usr/share/'
    shutil.copy(share + 'nova-common/api-paste.ini', ETC + '/nova/')
    shutil.copy(share + 'glance-common/glance-api-paste.ini', ETC + '/glance/')
    shutil.copy(share + 'neutron-common/api-paste.ini', ETC + '/neutron/')
    if AODH:
        # keystonemiddleware reads /etc/aodh/aodh.conf unless its section names another file
        with open('/usr/lib/python3/dist-packages/aodh/api/api-paste.ini') as file:
            lines = file.read().splitlines()
        write('etc/aodh/api-paste.ini', ''.join(
            line + '\n' + ('oslo_config_file = %s/aodh/aodh.conf\n' % ETC
                           if line.startswith('oslo_config_project') else '') for line in lines))


def write_policies():
    """In one step each: a service that runs reads them anew."""
    for service in ('nova', 'neutron', 'placement') + (('aodh',) if AODH else ()):
        path = '%s/%s/policy.yaml' % (ETC, service)
        shutil.copy(os.path.join(POLICY, service + '.yaml'), path + '.new')
        os.replace(path + '.new', path)


def write_plugin():
    """Neutron finds its drivers through package metadata, so there must be a package."""
    package = 'plugins/lull_lab-1.dist-info/'
    write(package + 'METADATA', 'Metadata-Version: 2.1\nName: lull-lab\nVersion: 1\n')
    write(package + 'entry_points.txt',
          '[neutron.ml2.mechanism_drivers]\nlab = port_binding:PortBinding\n')


def write_clouds():
    lines = ['clouds:']
    for name, (user, project) in CLOUDS.items():
        lines += [
            '  %s:' % name, '    auth:',
            '      auth_url: %s' % AUTH_URL,
            '      username: %s' % user, '      password: %s' % PASSWORD,
            '      project_name: %s' % project,
            '      user_domain_name: Default', '      project_domain_name: Default',
            '    region_name: %s' % SETTINGS['REGION'], '    compute_api_version: "2.92"',   # the most that Debian's client knows
        ]
    write('clouds.yaml', '\n'.join(lines) + '\n')


def main():
    os.umask(0o077)
    write_conf('keystone/keystone.conf', keystone())
    for keys in ('fernet', 'credential'):
        os.makedirs(ETC + '/keystone/' + keys, exist_ok=True)
    write_conf('placement/placement.conf', placement())
    write_conf('nova/nova.conf', nova())
    write_conf('nova/nova-compute.conf', nova_compute())
    write_conf('glance/glance-api.conf', glance())
    write_conf('neutron/neutron.conf', neutron())
    if AODH:
        write_conf('aodh/aodh.conf', aodh())
    write_pipelines()
    write_policies()
    write_plugin()
    write_clouds()


if __name__ == '__main__':
    main()
