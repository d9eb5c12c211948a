"""The hypervisor of a fake host: Nova's fake driver with a size, guests that outlive a restart of
their host, and faults on demand.

Before each operation $LAB_FAULTS is read, a JSON object:

    {"<server id, host name, or *>": {"<operation>": {"seconds": 3, "outcome": "fail"}}}

The entry of the server wins over that of the host, and that over "*".

    operation          where                             outcomes
    spawn              new server, evacuation            ok, fail
    precheck           live migration, on the target     ok, fail
    pre_migration      live migration, on the target     ok, fail
    live_migration     live migration, on the source     ok, fail, hang
    finish_migration   cold migration, on the target     ok, fail

A hanging migration goes on when it is aborted, when it is forced, or when the fault is gone.
"""
import json
import os
import time

from nova import context as nova_context
from nova import exception
from nova import objects
from nova.compute import power_state
from nova.compute import vm_states
from nova.virt import fake

ASKED_FOR = 'asked for by the lab'


def read_faults():
    try:
        with open(os.environ['LAB_FAULTS']) as file:
            return json.load(file)
    except (KeyError, OSError, ValueError):
        return {}


class Hypervisor(fake.FakeDriver):
    vcpus = int(os.environ.get('HOST_VCPUS', 32))
    memory_mb = int(os.environ.get('HOST_RAM_MB', 65536))
    local_gb = int(os.environ.get('HOST_DISK_GB', 2000))
    capabilities = {**fake.FakeDriver.capabilities, 'supports_migrate_to_same_host': False}

    def __init__(self, virtapi, read_only=False):
        super().__init__(virtapi, read_only)
        self._leaving = {}      # server id -> None, 'abort' or 'force', while it migrates away

    def _fault(self, operation, instance):
        faults = read_faults()
        for key in (instance.uuid, self._host, '*'):
            fault = faults.get(key, {}).get(operation)
            if fault is not None:
                return fault
        return {}

    def _suffer(self, operation, instance, error=None):
        fault = self._fault(operation, instance)
        time.sleep(float(fault.get('seconds', 0)))
        if fault.get('outcome') == 'fail':
            raise error or exception.NovaException(
                '%s failed on %s: %s' % (operation, self._host, ASKED_FOR))

    def init_host(self, host):
        """The fake driver forgets its guests with its process; a machine does not."""
        super().init_host(host)
        for guest in objects.InstanceList.get_by_host(nova_context.get_admin_context(), host):
            powered = guest.power_state in (
                power_state.RUNNING, power_state.PAUSED, power_state.SUSPENDED)
            self.instances[guest.uuid] = fake.FakeInstance(
                guest.name, guest.power_state if powered else power_state.SHUTDOWN, guest.uuid)

    def get_host_uptime(self):
        with open('/proc/uptime') as file:
            minutes = int(float(file.read().split()[0])) // 60
        return '%s up %d days, %d:%02d, 0 users, load average: 0.10, 0.10, 0.10' % (
            time.strftime('%H:%M:%S'), minutes // 1440, minutes // 60 % 24, minutes % 60)

    def spawn(self, context, instance, *args, **kwargs):
        self._suffer('spawn', instance)
        super().spawn(context, instance, *args, **kwargs)

    def _set_power(self, instance, state):
        """The fake driver calls a paused guest running, and Nova would believe it."""
        if instance.uuid in self.instances:
            self.instances[instance.uuid].state = state

    def pause(self, instance):
        self._set_power(instance, power_state.PAUSED)

    def unpause(self, instance):
        self._set_power(instance, power_state.RUNNING)

    def suspend(self, context, instance):
        self._set_power(instance, power_state.SUSPENDED)

    def resume(self, context, instance, *args, **kwargs):
        self._set_power(instance, power_state.RUNNING)

    def post_live_migration_at_destination(self, context, instance, *args, **kwargs):
        super().post_live_migration_at_destination(context, instance, *args, **kwargs)
        if instance.vm_state == vm_states.PAUSED:
            self.pause(instance)

    def finish_migration(self, context, migration, instance, *args, **kwargs):
        self._suffer('finish_migration', instance)
        super().finish_migration(context, migration, instance, *args, **kwargs)

    def check_can_live_migrate_destination(self, context, instance, *args, **kwargs):
        self._suffer('precheck', instance, exception.MigrationPreCheckError(reason=ASKED_FOR))
        return super().check_can_live_migrate_destination(context, instance, *args, **kwargs)

    def pre_live_migration(self, context, instance, *args, **kwargs):
        self._suffer('pre_migration', instance)
        return super().pre_live_migration(context, instance, *args, **kwargs)

    def live_migration(self, context, instance, dest, post_method, recover_method,
                       block_migration=False, migrate_data=None):
        self._leaving[instance.uuid] = None
        try:
            outcome = self._transfer(instance, migrate_data.migration)
        finally:
            del self._leaving[instance.uuid]
        if outcome == 'abort':
            recover_method(context, instance, dest, migrate_data, migration_status='cancelled')
        elif outcome == 'fail':
            recover_method(context, instance, dest, migrate_data)
        else:
            post_method(context, instance, dest, block_migration, migrate_data)

    def _transfer(self, instance, migration):
        """Copy memory, so to speak, and return how it went."""
        began = reported = time.monotonic()
        fault = self._fault('live_migration', instance)
        while True:
            seconds = float(fault.get('seconds', 0))
            hangs = fault.get('outcome') == 'hang'
            elapsed = time.monotonic() - began
            if self._leaving[instance.uuid]:
                return self._leaving[instance.uuid]
            if not hangs and elapsed >= seconds:
                return fault.get('outcome')
            if time.monotonic() - reported >= 1:
                self._report(migration, instance, 0.5 if hangs else elapsed / seconds)
                reported = time.monotonic()
                fault = self._fault('live_migration', instance)
            time.sleep(0.1)

    def _report(self, migration, instance, share):
        migration.memory_total = instance.flavor.memory_mb << 20
        migration.memory_processed = int(migration.memory_total * share)
        migration.memory_remaining = migration.memory_total - migration.memory_processed
        migration.disk_total = migration.disk_processed = migration.disk_remaining = 0
        migration.save()

    def _order(self, instance, order):
        # A restarted host also aborts what it finds half migrated, when nothing runs any more.
        if instance.uuid in self._leaving:
            self._leaving[instance.uuid] = order

    def live_migration_abort(self, instance):
        self._order(instance, 'abort')

    def live_migration_force_complete(self, instance):
        self._order(instance, 'force')

    def post_live_migration(self, context, instance, block_device_info, migrate_data=None):
        """The fake driver leaves the guest at its source as well; a hypervisor does not."""
        self.destroy(context, instance, network_info=None, block_device_info=block_device_info)
