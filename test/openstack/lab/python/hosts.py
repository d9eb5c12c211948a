"""Start a nova-compute for each name given: hosts.py RUN_FOLDER LOG_FOLDER NOVA_CONF HOST...

Nova is imported once and forked, so the hosts share its memory (about 44 MiB each instead of 147
with 50 of them) and none pays for the import (3 s of CPU). Each is then a session of its own with
its own pid file, and behaves as one started by hand. Several hosts in one process would not do:
Nova gives them one service, one heartbeat and one live migration endpoint.
"""
import gc
import importlib
import os
import sys

import nova.cmd.compute     # before anything else: it monkey-patches

import eventlet.hubs
import nova.virt

# What a compute imports only once it runs would be a private copy in each.
LATE_IMPORTS = (
    'dogpile.cache.backends.null', 'keystoneauth1.loading._plugins.identity.generic',
    'kombu.transport.pyamqp', 'nova.compute.manager', 'nova.compute.monitors.cpu.virt_driver',
    'nova.network.neutron', 'nova.scheduler.client.report', 'nova.servicegroup.drivers.db',
    'nova.virt.hypervisor', 'os_vif.objects.vif', 'os_vif.plugin', 'oslo_log.pipe_mutex',
    'oslo_messaging._drivers.impl_rabbit', 'oslo_messaging.notify._impl_noop', 'pyroute2',
)


def prepare():
    # Before the manager is imported: how often its tasks run it reads then and never again.
    for option in os.environ.get('HOST_OPTIONS', '').split():
        nova.cmd.compute.CONF.set_override(*option.split('=', 1))
    nova.cmd.compute.objects.register_all()
    # Nova looks for compute_driver below nova.virt only.
    nova.virt.__path__.append(os.path.dirname(os.path.abspath(__file__)))
    for name in LATE_IMPORTS:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


def become(host, log_folder, conf, host_conf):
    os.setsid()
    # The event hub that the imports made must not be shared: its epoll instance would wake every
    # host for the sockets of all the others, and they would spin.
    eventlet.hubs.get_hub().poll.close()
    eventlet.hubs.use_hub()
    log = os.path.join(log_folder, host)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    output = os.open(log + '.out', os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.argv = ['nova-compute', '--config-file', conf, '--config-file', host_conf,
                '--log-file', log + '.log']
    nova.cmd.compute.main()


def born(pid):
    with open('/proc/%d/stat' % pid) as file:
        return file.read().rpartition(') ')[2].split()[19]


def start(host, run_folder, log_folder, conf):
    host_conf = os.path.join(os.path.dirname(conf), 'hosts', host + '.conf')
    with open(host_conf, 'w') as file:
        file.write('[DEFAULT]\nhost = %s\n' % host)
    pid = os.fork()
    if pid == 0:
        try:
            become(host, log_folder, conf, host_conf)
        finally:
            os._exit(1)
    with open(os.path.join(run_folder, host + '.pid'), 'w') as file:
        file.write('%d %s\n' % (pid, born(pid)))


def main():
    run_folder, log_folder, conf, *hosts = sys.argv[1:]
    prepare()
    for host in hosts:
        start(host, run_folder, log_folder, conf)
    os._exit(0)     # no exit handler of Nova may run: they belong to the hosts now


if __name__ == '__main__':
    main()
